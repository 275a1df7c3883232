/** The runs by day, each of which opens to what it did. */
import React, { useState } from 'react';
import type { IRun, ISettings } from '../contract';
import type { Desk } from '../desk';
import { clock, dayWords } from '../format';
import { type Shape, StateIcon } from '../icons';
import { Button } from '../parts';
import { counter } from '../view';
import { useAnswer } from './answer';
import { RunFiles, runWords } from './runs';

/** Runs that are shown at first, and how many more at each click. */
const SOME = 30;
/** Runs that the server tells at most. */
const ALL = 200;

/** Puts runs together by the day on which they began, the newest first. */
export function byDay(runs: readonly IRun[]): { day: string; started: number; runs: IRun[] }[] {
  const days: { day: string; started: number; runs: IRun[] }[] = [];
  for (const run of runs) {
    const day = new Date(run.started * 1000).toDateString();
    const last = days.at(-1);
    if (last?.day === day) {
      last.runs.push(run);
    } else {
      days.push({ day, started: run.started, runs: [run] });
    }
  }
  return days;
}

/** Whether a run trashed or replaced something on Drive. */
function canUndo({ counters }: IRun): boolean {
  return counter(counters, 'trashed') + counter(counters, 'updated') > 0;
}

function shape(run: IRun): Shape {
  switch (run.outcome) {
    case 'completed':
      return 'synced';
    case 'completed_with_errors':
      return 'needs_you';
    case 'failed':
      return run.problem?.code === 'run.cancelled' ? 'paused' : 'cant_sync';
    case 'interrupted':
      return 'offline';
    case 'running':
      return 'syncing';
  }
}

/** The history. */
export function History(props: {
  desk: Desk;
  settings: ISettings | null;
  /** Changes when a run has ended. */
  over: string;
}): React.JSX.Element {
  const { desk } = props;
  const { trans, model } = desk;
  const [shown, setShown] = useState(SOME);
  const [open, setOpen] = useState<number | null>(null);
  const { value, lost } = useAnswer(
    () => model.client.history(Math.min(shown, ALL)),
    `${props.over} ${shown}`
  );
  if (value === null) {
    return lost ? (
      <p className="jp-DriveSync-empty">{trans.__('The list could not be read right now.')}</p>
    ) : (
      <div className="jp-DriveSync-skeleton" />
    );
  }
  const now = Date.now();
  const runs = value.runs.filter(run => run.outcome !== 'running');
  if (runs.length === 0) {
    return <p className="jp-DriveSync-empty">{trans.__('No syncs yet.')}</p>;
  }
  return (
    <>
      {byDay(runs).map(({ day, started, runs: ofDay }) => (
        <div key={day} className="jp-DriveSync-day">
          <h4>{dayWords(started, now, trans)}</h4>
          <ul>
            {ofDay.map(run => {
              const said = runWords(run, now, trans);
              return (
                <li key={run.id}>
                  <button
                    type="button"
                    className="jp-DriveSync-run"
                    aria-expanded={open === run.id}
                    title={said}
                    onClick={() => setOpen(open === run.id ? null : run.id)}
                  >
                    <span className="jp-DriveSync-run-time">
                      {clock(new Date(run.started * 1000))}
                    </span>
                    <StateIcon shape={shape(run)} />
                    <span className="jp-DriveSync-run-said">{said}</span>
                  </button>
                  {open === run.id && (
                    <div className="jp-DriveSync-run-files">
                      <RunFiles desk={desk} run={run} settings={props.settings} rows={6} />
                      {canUndo(run) && (
                        <Button
                          kind="link"
                          onClick={() => desk.open({ name: 'undo', run: run.id })}
                        >
                          {trans.__('Undo this sync…')}
                        </Button>
                      )}
                    </div>
                  )}
                </li>
              );
            })}
          </ul>
        </div>
      ))}
      {value.total > value.runs.length && shown < ALL && (
        <Button kind="link" onClick={() => setShown(shown + SOME)}>
          {trans.__('Show older ones')}
        </Button>
      )}
    </>
  );
}
