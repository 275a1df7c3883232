/** The panel: how things stand, what was done, what comes next, and what a person can do. */
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useState } from 'react';
import type { ApartKind, IRun } from '../contract';
import type { Desk, Page } from '../desk';
import { Button } from '../parts';
import { atTime, counter } from '../view';
import { Account } from './account';
import { useAnswer, useChanges } from './answer';
import { ApartList } from './apart';
import { History } from './history';
import { Next } from './next';
import { Rules } from './rules';
import { RunFiles } from './runs';
import { Section } from './section';
import { Holds, State } from './state';
import { Storages } from './storages';

/** What the panel was asked to show; `turn` counts how often. */
interface IAsked {
  files: string;
  turn: number;
}

/** Rows of the last sync that have room. */
const ROWS = 10;

/** What the panel depends on, but for how far a sync is. */
function standing({ model }: Desk): string {
  const { status } = model;
  return JSON.stringify([
    model.reach,
    model.syncing,
    model.settingsTurn,
    model.storagesTurn,
    status && { ...status, seq: 0, time: 0, progress: null, meta: null, consent: null },
    new Date().toDateString()
  ]);
}

function LastRun(props: {
  desk: Desk;
  run: IRun | null;
  children: React.ReactNode;
}): React.JSX.Element {
  const { desk, run } = props;
  const { trans, model } = desk;
  if (run !== null) {
    return <>{props.children}</>;
  }
  const next = model.status?.next_run;
  return (
    <p className="jp-DriveSync-empty">
      {model.syncing
        ? trans.__('This is the first one.')
        : next
          ? trans.__('No syncs yet. The first begins %1.', atTime(next, Date.now(), trans))
          : trans.__('No syncs yet.')}
    </p>
  );
}

/** What is on Drive and not here, or should not be there. */
const ALONE: readonly ApartKind[] = ['archived', 'unclaimed', 'declined'];

function Alone(props: {
  desk: Desk;
  counts: Record<ApartKind, number> | null;
  over: string;
}): React.JSX.Element {
  const { desk, counts, over } = props;
  const there = ALONE.filter(kind => (counts?.[kind] ?? 0) > 0);
  return (
    <>
      {(there.length > 0 ? there : ALONE.slice(0, 1)).map(kind => (
        <ApartList
          key={kind}
          desk={desk}
          kind={kind}
          number={counts?.[kind] ?? null}
          over={over}
          title={desk.trans.__('On Drive only')}
        />
      ))}
    </>
  );
}

/** What stands below the state; what is closed asks nothing. */
function Sections({ desk, asked }: { desk: Desk; asked: IAsked }): React.JSX.Element {
  const { trans, model } = desk;
  const { status } = model;
  const connected = status?.connected ?? false;
  // The history changes when a run ends; while one runs its own row says nothing yet.
  const here = model.reach === 'here'; // what a server that was away did not answer is asked again
  const over = `${status?.job ?? ''} ${status?.status ?? ''} ${here}`;
  const history = useAnswer(() => model.client.history(5), over).value;
  const settings = useAnswer(
    () => model.client.getSettings(),
    `${status?.schedule ?? ''} ${status?.time_zone ?? ''} ${model.settingsTurn} ${here}`
  ).value;
  const counts = useAnswer(
    async () => (connected ? (await model.client.apart('replaced')).counts : null),
    `${over} ${connected}`
  ).value;
  const run = history?.runs.find(each => each.outcome !== 'running') ?? null;
  return (
    <>
      {(connected || run !== null) && (
        <Section
          name="last"
          title={trans.__('Last sync')}
          chip={run ? counter(run.counters, 'failed') : 0}
          open
          reveal={asked.turn}
        >
          {history === null ? (
            <div className="jp-DriveSync-skeleton" />
          ) : (
            <LastRun desk={desk} run={run}>
              {run && (
                <RunFiles
                  key={`${run.id} ${asked.turn}`}
                  desk={desk}
                  run={run}
                  settings={settings}
                  filter={asked.files}
                  rows={ROWS}
                />
              )}
            </LastRun>
          )}
        </Section>
      )}
      {connected && (
        <Section name="next" title={trans.__('Next sync')} open>
          <Next desk={desk} settings={settings} />
        </Section>
      )}
      {connected && (
        <>
          <Section
            name="replaced"
            title={trans.__('Replaced edits on Drive')}
            chip={counts?.replaced ?? 0}
          >
            <ApartList
              desk={desk}
              kind="replaced"
              number={counts?.replaced ?? null}
              over={over}
              title={trans.__('Replaced edits on Drive')}
            />
          </Section>
          <Section name="newer" title={trans.__('Newer on Drive')} chip={counts?.newer ?? 0}>
            <ApartList
              desk={desk}
              kind="newer"
              number={counts?.newer ?? null}
              over={over}
              title={trans.__('Newer on Drive')}
            />
          </Section>
          <Section
            name="alone"
            title={trans.__('On Drive only')}
            chip={ALONE.reduce((sum, kind) => sum + (counts?.[kind] ?? 0), 0)}
          >
            <Alone desk={desk} counts={counts} over={over} />
          </Section>
          <Section
            name="rules"
            title={trans.__('Left out')}
            chip={run ? counter(run.counters, 'left_out') : 0}
          >
            <Rules desk={desk} settings={settings} />
          </Section>
          <Section name="back" title={trans.__('Bring back')}>
            <p>
              {trans.__(
                'Everything, a folder or a file, as it is on Drive or as it was after one of the last syncs.'
              )}
            </p>
            <div className="jp-DriveSync-actions">
              <Button onClick={() => desk.open({ name: 'restore' })}>
                {trans.__('Bring back files…')}
              </Button>
              <Button kind="link" onClick={() => desk.open({ name: 'undo' })}>
                {trans.__('Undo last sync…')}
              </Button>
            </div>
          </Section>
        </>
      )}
      <Section name="storages" title={trans.__('Storages')}>
        <Storages desk={desk} over={`${model.storagesTurn} ${over} ${connected}`} />
      </Section>
      {run !== null && (
        <Section name="history" title={trans.__('History')}>
          <History desk={desk} settings={settings} over={over} />
        </Section>
      )}
      {connected && (
        <Section name="account" title={trans.__('Your Drive')} open>
          <Account desk={desk} />
        </Section>
      )}
    </>
  );
}

function Content({ desk, asked }: { desk: Desk; asked: IAsked }): React.JSX.Element {
  useChanges(desk, () => standing(desk));
  const { trans, model } = desk;
  const [seen, setSeen] = useState(false);
  const known = model.status !== null;
  if (known && !seen) {
    setSeen(true);
  }
  // While the server is away the old numbers stay, and nothing can be pressed.
  const dim = model.reach === 'away';
  return (
    <>
      <State desk={desk} />
      {!dim && <Holds desk={desk} />}
      <fieldset
        className="jp-DriveSync-group lm-AccordionPanel"
        disabled={dim}
        title={dim ? trans.__('The server does not answer') : undefined}
      >
        {(known || seen) && <Sections desk={desk} asked={asked} />}
      </fieldset>
    </>
  );
}

/** What the sidebar shows once it is seen. */
export class PanelBody extends ReactWidget {
  constructor(private readonly _desk: Desk) {
    super();
    this.addClass('jp-DriveSync-panel');
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape' && this._opener?.isConnected) {
        event.preventDefault();
        this._opener.focus();
      }
    });
  }

  /** Shows what was asked for, and takes the focus; Escape gives it back. */
  turn(page: Extract<Page, { name: 'details' }>, opener: HTMLElement | null): void {
    this._opener = opener;
    if (page.files !== undefined) {
      this._asked = { files: page.files, turn: this._asked.turn + 1 };
      this.update();
    }
    // After it is drawn.
    window.requestAnimationFrame(() =>
      window.requestAnimationFrame(() =>
        this.node.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true })
      )
    );
  }

  protected override render(): React.JSX.Element {
    return <Content desk={this._desk} asked={this._asked} />;
  }

  private _asked: IAsked = { files: '', turn: 0 };
  private _opener: HTMLElement | null = null;
}
