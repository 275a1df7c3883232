/** How things stand, what the last sync did, what comes next. */
import React, { useEffect, useState } from 'react';
import type { IFileOutcome, IRun, ISettings } from '../contract';
import type { Desk } from '../desk';
import type { IPageProps } from '../dialog';
import { count, moment, size } from '../format';
import { holdWords } from '../holds';
import { StateIcon } from '../icons';
import { Banner, Bar, Button, FileList, files as filesWords } from '../parts';
import { counter, atTime } from '../view';

/** What the list of files can be narrowed to; what is not good comes first. */
const FILTERS = ['failed', 'uploaded', 'updated', 'moved', 'trashed', 'left_out'] as const;

const DAY = 86_400;

function filterWords(outcome: string, desk: Desk): string {
  const { trans } = desk;
  const known: Record<string, string> = {
    failed: trans.__('not synced'),
    uploaded: trans.__('copied'),
    updated: trans.__('updated'),
    moved: trans.__('moved'),
    trashed: trans.__('trashed'),
    left_out: trans.__('left out')
  };
  return known[outcome] ?? outcome;
}

/** Follows something that the server tells; asks again when `key` changes. */
function useAnswer<T>(ask: () => Promise<T>, key: unknown): T | null {
  const [answer, setAnswer] = useState<T | null>(null);
  useEffect(() => {
    let stale = false;
    ask().then(
      value => {
        if (!stale) {
          setAnswer(value);
        }
      },
      () => {
        // The state line already says that the server does not answer.
      }
    );
    return () => {
      stale = true;
    };
  }, [key]);
  return answer;
}

function State({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans } = desk;
  const view = desk.view();
  const line = view.line.replace(/^[^:]+: /, '');
  return (
    <section className="jp-DriveSync-state" data-state={view.shape}>
      <div className="jp-DriveSync-state-line">
        <StateIcon shape={view.shape} share={view.share ?? 0} />
        <h3>{line.charAt(0).toLocaleUpperCase() + line.slice(1)}</h3>
      </div>
      {view.action !== 'review' && <p>{view.headline}</p>}
      {view.shape === 'syncing' && (
        <>
          <Bar share={view.share} text={view.headline} label={trans.__('Sync to Google Drive')} />
          <p className="jp-DriveSync-secondary">
            {trans.__('You can go on working or close this tab.')}
          </p>
        </>
      )}
      {view.action && view.action !== 'review' && (
        <div className="jp-DriveSync-actions">
          {view.action === 'files' && view.shape !== 'offline' ? (
            <Button kind="primary" onClick={() => void desk.sync()}>
              {trans.__('Sync now')}
            </Button>
          ) : (
            <Button
              kind={view.action === 'cancel' || view.action === 'open_drive' ? 'plain' : 'primary'}
              onClick={() => void desk.act(view.action, view)}
            >
              {view.button}
            </Button>
          )}
        </div>
      )}
      {view.code !== '' && <p className="jp-DriveSync-secondary jp-DriveSync-code">{view.code}</p>}
    </section>
  );
}

function Holds({ desk, turn }: Pick<IPageProps, 'desk' | 'turn'>): React.JSX.Element {
  const holds = desk.model.status?.holds ?? [];
  return (
    <>
      {holds.map((hold, at) => (
        <Banner
          key={hold.id}
          shape="needs_you"
          action={
            <Button
              kind={at === 0 ? 'primary' : 'plain'}
              onClick={() => turn({ name: 'review', hold: hold.id })}
            >
              {desk.trans.__('Review')}
            </Button>
          }
        >
          {holdWords(hold, Date.now(), desk.trans)}
        </Banner>
      ))}
    </>
  );
}

function LastRun(props: { desk: Desk; run: IRun | null; files?: string }): React.JSX.Element {
  const { desk, run } = props;
  const { trans } = desk;
  const [filter, setFilter] = useState(props.files ?? '');
  if (run === null) {
    const next = desk.model.status?.next_run;
    return (
      <p className="jp-DriveSync-empty">
        {desk.model.syncing
          ? trans.__('This is the first one.')
          : next
            ? trans.__('No syncs yet. The first begins %1.', atTime(next, Date.now(), trans))
            : trans.__('No syncs yet.')}
      </p>
    );
  }
  const counters = run.counters;
  const present = FILTERS.filter(name => counter(counters, name) > 0);
  const chosen = present.some(name => name === filter) ? filter : '';
  const facts = [
    trans.__('ended %1', moment(run.ended ?? run.started, Date.now(), trans)),
    filesWords(counter(counters, 'unchanged') + counter(counters, 'done'), trans)
  ];
  const sent = counter(counters, 'bytes');
  if (sent > 0) {
    facts.push(trans.__('%1 sent', size(sent)));
  }
  const leftOut = counter(counters, 'left_out');
  if (leftOut > 0) {
    facts.push(trans.__('%1 left out', count(leftOut)));
  }
  const newer = counter(counters, 'newer_on_drive');
  if (newer > 0) {
    facts.push(trans.__('%1 newer on Drive', count(newer)));
  }
  const leave = async (file: IFileOutcome): Promise<void> => {
    const settings = await desk.attempt(() => desk.model.client.getSettings());
    if (settings) {
      const done = await desk.attempt(() =>
        desk.model.client.patchSettings({ excludes: [...settings.excludes, `/${file.path}`] })
      );
      if (done) {
        desk.toasts.show(trans.__('It is left out from the next sync on.'), 'info', 5000);
      }
    }
  };
  return (
    <>
      <p className="jp-DriveSync-numbers">{facts.join(' · ')}</p>
      {present.length > 0 && (
        <div className="jp-DriveSync-chips" role="group" aria-label={trans.__('Show only')}>
          {present.map(name => (
            <button
              key={name}
              type="button"
              className="jp-DriveSync-chip"
              aria-pressed={chosen === name}
              onClick={() => setFilter(chosen === name ? '' : name)}
            >
              {filterWords(name, desk)} <span>{count(counter(counters, name))}</span>
            </button>
          ))}
        </div>
      )}
      <FileList
        of={`${run.id} ${run.ended ?? ''} ${chosen}`}
        load={offset => desk.model.client.runFiles(run.id, offset, chosen)}
        trans={trans}
        label={trans.__('Files of the last sync')}
        empty={trans.__('Every file was already on Drive; nothing was left out.')}
        rowAction={{
          label: trans.__('Leave out'),
          act: file => void leave(file),
          on: file => file.outcome === 'failed'
        }}
      />
    </>
  );
}

function zones(current: string): string[] {
  const all = Intl.supportedValuesOf('timeZone');
  return all.includes(current) ? all : [current, ...all];
}

function Next({ desk, settings }: { desk: Desk; settings: ISettings | null }): React.JSX.Element {
  const { trans, model } = desk;
  const status = model.status;
  const next = status?.next_run ?? null;
  const zone = status?.time_zone ?? '';
  const set = async (change: Parameters<typeof model.client.patchSettings>[0]): Promise<void> => {
    await desk.attempt(() => model.client.patchSettings(change));
    await model.refresh();
  };
  const { action } = desk.view();
  // The state's own button does the same, or something that has to come first.
  const offered = action !== null && ['sync', 'files', 'reconnect', 'copy_admin'].includes(action);
  const stuck = status?.status === 'failed' && status.holds.length > 0;
  let when = trans.__('No sync is planned; you can start one at any time.');
  if (action === 'reconnect') {
    when = trans.__('Nothing new is copied until you reconnect.');
  } else if (stuck) {
    when = trans.__('Nothing is copied until you choose.');
  } else if (status?.paused) {
    const until = status.paused_by === 'user' ? (status.paused_until ?? -1) : -1;
    when =
      until > 0
        ? trans.__('Syncing goes on %1.', atTime(until, Date.now(), trans))
        : trans.__('No sync is planned while it is paused.');
  } else if (next !== null) {
    when = trans.__('The next sync begins %1.', atTime(next, Date.now(), trans));
  }
  return (
    <>
      <p>{when}</p>
      <label className="jp-DriveSync-field">
        <span>{trans.__('Time zone')}</span>
        <select
          value={zone}
          disabled={settings === null || settings.by_admin.includes('time_zone')}
          title={
            settings?.by_admin.includes('time_zone') ? trans.__('set by your admin') : undefined
          }
          onChange={event => void set({ time_zone: event.currentTarget.value })}
        >
          {zones(zone).map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <div className="jp-DriveSync-actions">
        {status?.connected && !status.paused && !model.syncing && !offered && !stuck && (
          <Button kind="link" onClick={() => void desk.sync()}>
            {trans.__('Sync now')}
          </Button>
        )}
        <Button kind="link" onClick={() => desk.open({ name: 'exclude' })}>
          {trans.__('Leave out folders…')}
        </Button>
        {status?.connected && !status.paused && (
          <Button
            kind="link"
            onClick={() => void set({ paused_until: Math.round(Date.now() / 1000) + DAY })}
          >
            {trans.__('Pause for a day')}
          </Button>
        )}
      </div>
    </>
  );
}

/** The page. */
export function Details(props: IPageProps & { files?: string }): React.JSX.Element {
  const { desk, turn } = props;
  const { trans, model } = desk;
  const status = model.status;
  // The history changes when a run ends; while one runs its own row says nothing yet.
  const over = `${status?.job ?? ''} ${status?.status ?? ''}`;
  const history = useAnswer(() => model.client.history(5), over);
  const settings = useAnswer(
    () => model.client.getSettings(),
    `${status?.schedule ?? ''} ${status?.time_zone ?? ''}`
  );
  const run = history?.runs.find(each => each.outcome !== 'running') ?? null;
  const dim = model.reach === 'away';
  return (
    <div className="jp-DriveSync-body">
      <State desk={desk} />
      {!dim && <Holds desk={desk} turn={turn} />}
      <fieldset
        className="jp-DriveSync-group"
        disabled={dim}
        title={dim ? trans.__('The server does not answer') : undefined}
      >
        <section>
          <h3>{trans.__('Last sync')}</h3>
          {history ? (
            <LastRun desk={desk} run={run} files={props.files} />
          ) : (
            <div className="jp-DriveSync-skeleton" />
          )}
        </section>
        {status?.connected && (
          <section>
            <h3>{trans.__('Next sync')}</h3>
            <Next desk={desk} settings={settings} />
          </section>
        )}
        {status?.connected && (
          <section>
            <h3>{trans.__('Your Drive')}</h3>
            <p>
              {trans.__('My Drive/%1', status.drive_folder)}
              {status.account && <> · {status.account.email}</>}
            </p>
            <div className="jp-DriveSync-actions">
              {status.link !== '' && (
                <Button kind="link" onClick={() => void desk.act('open_drive')}>
                  {trans.__('Open in Google Drive')}
                </Button>
              )}
              <Button kind="link" onClick={() => turn({ name: 'disconnect' })}>
                {trans.__('Disconnect…')}
              </Button>
            </div>
          </section>
        )}
      </fieldset>
    </div>
  );
}
