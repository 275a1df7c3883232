/** Bringing files back: which, as of when, what would come, and then that it comes. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';
import type { IChild, IRestoreRequest, IRun, IVersionJob } from '../contract';
import type { Desk } from '../desk';
import type { IPageProps } from '../dialog';
import { count, dayWords, moment, size } from '../format';
import { Bar, Button, Tail } from '../parts';
import { plain } from '../plain';
import { outcomeWords } from '../reasons';
import { ended, Failed } from '../versions';
import { counter, problemWords } from '../view';

/** Whether a path is chosen, by itself or with a folder above it. */
export function isChosen(path: string, chosen: readonly string[]): boolean {
  return chosen.some(each => path === each || path.startsWith(`${each}/`));
}

/** Chooses a path, which stands for all below it. */
export function choose(path: string, chosen: readonly string[]): string[] {
  return [...chosen.filter(each => !isChosen(each, [path])), path];
}

/** The last sync of each day that came to its end, the newest first: a night one can go back to. */
export function nights(runs: readonly IRun[]): number[] {
  const days = new Map<string, number>();
  for (const { ended: at, outcome } of runs) {
    if (at !== null && outcome.startsWith('completed')) {
      const day = new Date(at * 1000).toDateString();
      days.set(day, Math.max(at, days.get(day) ?? 0));
    }
  }
  return [...days.values()].sort((a, b) => b - a);
}

/** One folder of the mirror; what lies below it is asked for when it is opened. */
function Folder(props: {
  desk: Desk;
  path: string;
  chosen: readonly string[];
  onChosen: (chosen: string[]) => void;
}): React.JSX.Element {
  const { desk, path, chosen, onChosen } = props;
  const { trans, model } = desk;
  const [known, setKnown] = useState<{ items: IChild[]; total: number } | null>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const more = async (): Promise<void> => {
    const page = await desk.attempt(() => model.client.tree(path, known?.items.length ?? 0));
    if (page) {
      setKnown(old => ({ total: page.total, items: [...(old?.items ?? []), ...page.files] }));
    }
  };
  useEffect(() => void more(), [path]);
  if (known === null) {
    return <div className="jp-DriveSync-skeleton jp-mod-line" />;
  }
  if (known.items.length === 0) {
    return <p className="jp-DriveSync-empty">{trans.__('Nothing is known of this folder.')}</p>;
  }
  return (
    <ul>
      {known.items.map(item => {
        const above = isChosen(item.path, chosen) && !chosen.includes(item.path);
        return (
          <li key={`${item.path} ${item.folder}`}>
            <div className="jp-DriveSync-node">
              {item.folder ? (
                <button
                  type="button"
                  className="jp-DriveSync-turn"
                  aria-expanded={open.has(item.path)}
                  aria-label={trans.__('Open %1', item.name)}
                  onClick={() => {
                    const next = new Set(open);
                    if (!next.delete(item.path)) {
                      next.add(item.path);
                    }
                    setOpen(next);
                  }}
                >
                  <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                    <path d="M6 4l4 4-4 4" fill="none" stroke="currentColor" strokeWidth="1.5" />
                  </svg>
                </button>
              ) : (
                <span className="jp-DriveSync-turn" />
              )}
              <label title={plain(item.path)}>
                <input
                  type="checkbox"
                  checked={isChosen(item.path, chosen)}
                  disabled={above}
                  onChange={event =>
                    onChosen(
                      event.currentTarget.checked
                        ? choose(item.path, chosen)
                        : chosen.filter(each => each !== item.path)
                    )
                  }
                />
                <span className="jp-DriveSync-node-name">
                  {plain(item.folder ? `${item.name}/` : item.name)}
                </span>
              </label>
              <span className="jp-DriveSync-row-said">
                {item.folder ? '' : size(item.size)}
                {!item.folder && !item.here && ` · ${trans.__('on Drive only')}`}
              </span>
            </div>
            {open.has(item.path) && (
              <Folder desk={desk} path={item.path} chosen={chosen} onChosen={onChosen} />
            )}
          </li>
        );
      })}
      {known.total > known.items.length && (
        <li>
          <Button kind="link" onClick={() => void more()}>
            {trans._n(
              'and %2 more',
              'and %2 more',
              known.total - known.items.length,
              count(known.total - known.items.length)
            )}
          </Button>
        </li>
      )}
    </ul>
  );
}

function comesWords(job: IVersionJob, trans: TranslationBundle): string {
  const steps = job.result?.steps ?? [];
  const number = steps.length + (job.result?.steps_more ?? 0);
  if (number === 0) {
    return trans.__('Nothing: all of it is here already.');
  }
  const beside = steps.filter(step => step.step === 'beside').length;
  const comes = trans._n(
    '%2 file comes back, %3.',
    '%2 files come back, %3.',
    number,
    count(number),
    size(job.result?.bytes ?? 0)
  );
  return beside === 0
    ? comes
    : `${comes} ${trans._n(
        '%2 of them gets a name beside yours.',
        '%2 of them get a name beside yours.',
        beside,
        count(beside)
      )}`;
}

function cameWords(job: IVersionJob, trans: TranslationBundle): string {
  const counters = job.result?.counters ?? {};
  const back = counter(counters, 'restored') + counter(counters, 'beside');
  const not = counter(counters, 'skipped') + counter(counters, 'failed');
  const came = trans._n('%2 file is here again.', '%2 files are here again.', back, count(back));
  return not === 0
    ? came
    : `${came} ${trans._n(
        '%2 could not be brought back.',
        '%2 could not be brought back.',
        not,
        count(not)
      )}`;
}

/** What happens while a job of the server runs. */
function Running({ desk, text }: { desk: Desk; text: string }): React.JSX.Element {
  const { trans } = desk;
  const view = desk.view();
  return (
    <>
      <p>{text}</p>
      <Bar share={view.share} text={view.headline} label={trans.__('Bringing back')} />
      <p className="jp-DriveSync-secondary jp-DriveSync-numbers">
        {desk.model.status?.progress && view.shape === 'syncing' ? view.headline : ' '}
      </p>
    </>
  );
}

/** The page. */
export function RestorePage(props: IPageProps & { paths?: readonly string[] }): React.JSX.Element {
  const { desk, close } = props;
  const { trans, model } = desk;
  const [all, setAll] = useState(props.paths === undefined);
  const [chosen, setChosen] = useState<string[]>([...(props.paths ?? [])]);
  const [asOf, setAsOf] = useState(0);
  const [trashed, setTrashed] = useState(false);
  const [times, setTimes] = useState<number[]>([]);
  const [step, setStep] = useState<'choose' | 'looking' | 'look' | 'bringing' | 'done'>('choose');
  const [job, setJob] = useState<IVersionJob | null>(null);
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    let stale = false;
    model.client.history(200).then(
      ({ runs }) => {
        if (!stale) {
          setTimes(nights(runs));
        }
      },
      () => {
        // As it is now can be had all the same.
      }
    );
    return () => {
      stale = true;
    };
  }, []);
  const run = async (dry: boolean): Promise<void> => {
    const request: IRestoreRequest = {
      ...(all ? {} : { paths: chosen }),
      ...(asOf > 0 ? { as_of: asOf } : {}),
      ...(trashed ? { trashed } : {}),
      ...(dry ? { dry_run: dry } : {})
    };
    setTrouble('');
    setStep(dry ? 'looking' : 'bringing');
    try {
      setJob(await ended(model, await model.client.restore(request)));
      setStep(dry ? 'look' : 'done');
    } catch (problem) {
      setTrouble(
        problem instanceof Failed
          ? problemWords(problem.problem, model.status, Date.now(), trans).sentence
          : desk.whyNot(problem)
      );
      setStep('choose');
    }
  };
  const steps = job?.result?.steps ?? [];
  const left = (job?.result?.files ?? []).filter(({ outcome }) =>
    ['skipped', 'failed', 'beside'].includes(outcome)
  );
  const now = Date.now();
  return (
    <div className="jp-DriveSync-body">
      {trouble !== '' && (
        <p className="jp-DriveSync-trouble" role="alert">
          {trouble}
        </p>
      )}
      {step === 'choose' && (
        <>
          <p>
            {trans.__(
              'What comes back never takes the place of something of yours: where a file is in the way, it gets a name beside it.'
            )}
          </p>
          <div role="radiogroup" aria-label={trans.__('What to bring back')}>
            <label className="jp-DriveSync-check">
              <input type="radio" name="what" checked={all} onChange={() => setAll(true)} />
              <span>{trans.__('Everything')}</span>
            </label>
            <label className="jp-DriveSync-check">
              <input type="radio" name="what" checked={!all} onChange={() => setAll(false)} />
              <span>{trans.__('Chosen folders and files')}</span>
            </label>
          </div>
          {!all && (
            <div
              className="jp-DriveSync-tree"
              role="group"
              aria-label={trans.__('Folders and files')}
            >
              <Folder desk={desk} path="" chosen={chosen} onChosen={setChosen} />
            </div>
          )}
          <label className="jp-DriveSync-field">
            <span>{trans.__('As of')}</span>
            <select
              value={asOf}
              onChange={event => setAsOf(Number(event.currentTarget.value))}
              title={trans.__('Drive keeps older versions for 30 days or 100 later ones.')}
            >
              <option value={0}>{trans.__('now, as it is on Drive')}</option>
              {times.map(at => (
                <option key={at} value={Math.ceil(at)}>
                  {dayWords(at, now, trans)}, {moment(at, at * 1000, trans)}
                </option>
              ))}
            </select>
          </label>
          <label className="jp-DriveSync-check">
            <input
              type="checkbox"
              checked={trashed}
              onChange={event => setTrashed(event.currentTarget.checked)}
            />
            <span>{trans.__("Also what lies in Drive's trash")}</span>
          </label>
        </>
      )}
      {step === 'looking' && <Running desk={desk} text={trans.__('Looking what would come…')} />}
      {step === 'bringing' && (
        <Running desk={desk} text={trans.__('It comes back; you can close this, it goes on.')} />
      )}
      {step === 'look' && job && (
        <>
          <p>{comesWords(job, trans)}</p>
          {steps.length > 0 && (
            <ul
              className="jp-DriveSync-folders"
              tabIndex={0}
              aria-label={trans.__('What comes back')}
            >
              {steps.slice(0, 500).map(each => (
                <li key={each.as}>
                  <Tail path={each.as} />
                  <span className="jp-DriveSync-row-said">{size(each.size)}</span>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
      {step === 'done' && job && (
        <>
          <p role="status">{cameWords(job, trans)}</p>
          {left.length > 0 && (
            <ul
              className="jp-DriveSync-folders"
              tabIndex={0}
              aria-label={trans.__('Beside or not brought back')}
            >
              {left.slice(0, 500).map(file => (
                <li key={file.path}>
                  <Tail path={file.path} />
                  <span className="jp-DriveSync-row-said" title={outcomeWords(file, trans)}>
                    {outcomeWords(file, trans)}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
      <footer className="jp-DriveSync-actions">
        <span className="jp-DriveSync-space" />
        {step === 'look' && <Button onClick={() => setStep('choose')}>{trans.__('Back')}</Button>}
        <Button kind={step === 'done' ? 'primary' : 'plain'} onClick={close}>
          {step === 'choose' ? trans.__('Cancel') : trans.__('Close')}
        </Button>
        {step === 'choose' && (
          <Button
            kind="primary"
            disabled={(!all && chosen.length === 0) || model.syncing}
            onClick={() => void run(true)}
          >
            {trans.__('See what comes')}
          </Button>
        )}
        {step === 'look' && steps.length > 0 && (
          <Button kind="primary" disabled={model.syncing} onClick={() => void run(false)}>
            {trans.__('Bring back')}
          </Button>
        )}
      </footer>
    </div>
  );
}
