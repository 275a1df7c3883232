/** The storages: folders on Drive beside the mirror, each with how it stands and what can be done. */
import React, { useEffect, useState } from 'react';
import type { IRun, IStorage } from '../contract';
import type { Desk } from '../desk';
import { dayWords, clock, moment } from '../format';
import { StateIcon } from '../icons';
import { Bar, Button } from '../parts';
import { plain } from '../plain';
import { scheduleWords } from '../settings/schedule';
import {
  describeStorage,
  directionWords,
  driveWords,
  foundWords,
  type IStorageView,
  storageProblem,
  valuesOf
} from '../storages';
import { atTime, share } from '../view';
import { useAnswer } from './answer';
import { RunFiles, runWords } from './runs';

/** Runs of a storage that are shown. */
const RUNS = 10;
/** Milliseconds of a run after which we look, also where no events come. */
const SILENCE = 5_000;

function isRunning({ status }: IStorage): boolean {
  return status.status === 'queued' || status.status === 'in_progress';
}

/** The last runs of a storage. */
function Runs({ desk, storage }: { desk: Desk; storage: IStorage }): React.JSX.Element {
  const { trans, model } = desk;
  const [open, setOpen] = useState<number | null>(null);
  const { name, status } = storage;
  const { value, lost } = useAnswer(
    () => model.client.storageHistory(name, RUNS),
    `${status.job} ${status.status}`
  );
  if (value === null) {
    return lost ? (
      <p className="jp-DriveSync-empty">{trans.__('The list could not be read right now.')}</p>
    ) : (
      <div className="jp-DriveSync-skeleton jp-mod-line" />
    );
  }
  const runs = value.runs.filter(run => run.outcome !== 'running');
  if (runs.length === 0) {
    return <p className="jp-DriveSync-empty">{trans.__('It has not run yet.')}</p>;
  }
  const now = Date.now();
  const when = (run: IRun): string =>
    `${dayWords(run.started, now, trans)} ${clock(new Date(run.started * 1000))}`;
  return (
    <ul className="jp-DriveSync-storage-runs">
      {runs.map(run => (
        <li key={run.id}>
          <button
            type="button"
            className="jp-DriveSync-run"
            aria-expanded={open === run.id}
            title={runWords(run, now, trans)}
            onClick={() => setOpen(open === run.id ? null : run.id)}
          >
            <span className="jp-DriveSync-run-time">{when(run)}</span>
            <span className="jp-DriveSync-run-said">{runWords(run, now, trans)}</span>
          </button>
          {open === run.id && (
            <div className="jp-DriveSync-run-files">
              <RunFiles desk={desk} run={run} settings={null} rows={6} storage={name} />
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Does what the one button of a storage says. */
async function act(desk: Desk, storage: IStorage, view: IStorageView): Promise<void> {
  const { model } = desk;
  const { client } = model;
  switch (view.action) {
    case 'run':
      await desk.attempt(() => client.runStorage(storage.name));
      model.touchStorages();
      return;
    case 'cancel':
      await desk.attempt(() => client.cancelStorage(storage.name));
      model.touchStorages();
      return;
    case 'review':
      desk.open({ name: 'held', storage });
      return;
    case 'edit':
      desk.open({ name: 'storage', storage });
      return;
    case 'authorize':
      desk.open({ name: 'preview' });
      return;
    case 'permit':
      desk.open({ name: 'permit', storage });
      return;
    case 'admin':
      return desk.copy(
        [
          `Jupyter Drive Sync: ${view.sentence}`,
          view.admin,
          '',
          `storage: ${storage.name}`,
          `time: ${new Date().toISOString()}`,
          `code: ${storage.status.problem?.code ?? ''}`
        ].join('\n')
      );
  }
}

/** One storage. */
function Card({ desk, storage }: { desk: Desk; storage: IStorage }): React.JSX.Element {
  const { trans, model } = desk;
  const [history, setHistory] = useState(false);
  const [checked, setChecked] = useState('');
  const [busy, setBusy] = useState(false);
  const now = Date.now();
  const view = describeStorage(storage, now, trans);
  const running = isRunning(storage);
  const { status, next_run: next, progress } = storage;
  const part = running && progress ? share(progress) : null;
  const look = async (): Promise<void> => {
    setBusy(true);
    setChecked(trans.__('It is being tried…'));
    try {
      const { account, folder, sample } = await model.client.validateStorage(valuesOf(storage));
      setChecked(foundWords(account, folder?.name ?? '', sample, trans));
    } catch (problem) {
      setChecked(
        desk.whyNot(problem, said => storageProblem(said, storage.credentials, now, trans))
      );
    }
    setBusy(false);
  };
  const facts: string[] = [];
  if (status.started !== null && !running) {
    facts.push(trans.__('Last run: %1', moment(status.started, now, trans, true)));
  }
  facts.push(
    next === null
      ? trans.__('Runs only when you ask for it')
      : trans.__(
          'Next run: %1 (%2)',
          atTime(next, now, trans),
          scheduleWords(storage.schedule, trans)
        )
  );
  return (
    <li className="jp-DriveSync-storage" data-storage={storage.name}>
      <h4>{plain(storage.name)}</h4>
      <p className="jp-DriveSync-storage-way">
        {directionWords(storage.direction, trans)}:{' '}
        {storage.direction === 'import' ? (
          <>
            <span title={plain(storage.drive)}>{plain(driveWords(storage.drive))}</span> →{' '}
            <span>{plain(storage.local)}</span>
          </>
        ) : (
          <>
            <span>{plain(storage.local)}</span> →{' '}
            <span title={plain(storage.drive)}>{plain(driveWords(storage.drive))}</span>
          </>
        )}
      </p>
      <div className="jp-DriveSync-storage-state" data-state={view.shape}>
        <StateIcon shape={view.shape} share={part ?? 0} />
        <span>{view.sentence}</span>
      </div>
      {running && (
        <Bar share={part} text={view.sentence} label={trans.__('Run of %1', storage.name)} />
      )}
      <ul className="jp-DriveSync-storage-facts">
        {facts.map(fact => (
          <li key={fact}>{fact}</li>
        ))}
        {storage.by_admin && (
          <li>
            {storage.own
              ? trans.__('Your own values, in place of those of your admin')
              : trans.__('Set by your admin')}
          </li>
        )}
      </ul>
      {checked !== '' && (
        <p className="jp-DriveSync-storage-checked" role="status">
          {checked}
        </p>
      )}
      <div
        className="jp-DriveSync-actions"
        role="group"
        aria-label={trans.__('Storage %1', storage.name)}
      >
        <Button onClick={() => void act(desk, storage, view)}>{view.button}</Button>
        {view.action !== 'permit' && (
          <Button kind="link" disabled={busy || running} onClick={() => void look()}>
            {trans.__('Check')}
          </Button>
        )}
        {view.action !== 'edit' && (
          <Button
            kind="link"
            disabled={running}
            onClick={() => desk.open({ name: 'storage', storage })}
          >
            {trans.__('Edit…')}
          </Button>
        )}
        {view.action !== 'run' && storage.connected && !running && (
          <Button kind="link" onClick={() => void act(desk, storage, { ...view, action: 'run' })}>
            {trans.__('Run now')}
          </Button>
        )}
        {storage.own && (
          <Button
            kind="link"
            disabled={running}
            onClick={() => desk.open({ name: 'forget', storage })}
          >
            {storage.by_admin ? trans.__('Take back my values…') : trans.__('Remove…')}
          </Button>
        )}
        <button
          type="button"
          className="jp-DriveSync-button jp-mod-link"
          aria-expanded={history}
          onClick={() => setHistory(!history)}
        >
          {trans.__('History')}
        </button>
      </div>
      {history && <Runs desk={desk} storage={storage} />}
    </li>
  );
}

/** All storages. */
export function Storages({ desk, over }: { desk: Desk; over: string }): React.JSX.Element {
  const { trans, model } = desk;
  const { value, lost, again } = useAnswer(() => model.client.storages(), over);
  const storages = value?.storages ?? [];
  const running = storages.some(isRunning);
  useEffect(() => {
    if (!running) {
      return;
    }
    const timer = window.setInterval(() => {
      if (!document.hidden) {
        again();
      }
    }, SILENCE);
    return () => window.clearInterval(timer);
  }, [running]);
  if (value === null) {
    return lost ? (
      <p className="jp-DriveSync-empty">{trans.__('The list could not be read right now.')}</p>
    ) : (
      <div className="jp-DriveSync-skeleton" />
    );
  }
  return (
    <>
      {storages.length === 0 && (
        <p className="jp-DriveSync-empty">
          {trans.__(
            'Other folders of Drive beside your backup: course material that comes here each morning, results that go there. There are none yet.'
          )}
        </p>
      )}
      <ul className="jp-DriveSync-storages">
        {storages.map(storage => (
          <Card key={storage.name} desk={desk} storage={storage} />
        ))}
      </ul>
      <div className="jp-DriveSync-actions">
        <Button onClick={() => desk.open({ name: 'storage' })}>{trans.__('Add a storage…')}</Button>
      </div>
    </>
  );
}
