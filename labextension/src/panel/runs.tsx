/** What a run did: its numbers, and its files, those that were not synced first. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';
import type { IFileOutcome, IRun, ISettings } from '../contract';
import type { Desk } from '../desk';
import { count, moment, size } from '../format';
import { Button, files as filesWords, Tail } from '../parts';
import { plain } from '../plain';
import { outcomeWords } from '../reasons';
import { counter, problemWords } from '../view';
import { WindowList } from './list';

/** What the files can be narrowed to; what is not good comes first. */
const FILTERS = [
  'failed',
  'brought',
  'refreshed',
  'uploaded',
  'updated',
  'moved',
  'trashed',
  'archived',
  'restored',
  'beside',
  'edited_here',
  'gone_on_drive',
  'untrashed',
  'put_back',
  'skipped',
  'left_out'
] as const;

/** What tells most about a file by its reason, which needs room. */
const REASONED: readonly string[] = [
  'failed',
  'left_out',
  'skipped',
  'beside',
  'edited_here',
  'gone_on_drive'
];

/** What a run did with files, in a word or two. */
export function filterWords(outcome: string, trans: TranslationBundle): string {
  switch (outcome) {
    case 'failed':
      return trans.__('not synced');
    case 'brought':
      return trans.__('brought');
    case 'refreshed':
      return trans.__('made newer');
    case 'edited_here':
      return trans.__('edited here');
    case 'gone_on_drive':
      return trans.__('gone on Drive');
    case 'uploaded':
      return trans.__('copied');
    case 'updated':
      return trans.__('updated');
    case 'moved':
      return trans.__('moved');
    case 'trashed':
      return trans.__('trashed');
    case 'archived':
      return trans.__('kept on Drive');
    case 'restored':
      return trans.__('brought back');
    case 'beside':
      return trans.__('brought back beside');
    case 'untrashed':
      return trans.__('out of the trash');
    case 'put_back':
      return trans.__('put back on Drive');
    case 'skipped':
      return trans.__('not brought back');
    case 'left_out':
      return trans.__('left out');
    default:
      return outcome;
  }
}

/** A run in one line: what it changed. */
export function runWords(run: IRun, now: number, trans: TranslationBundle): string {
  if (run.outcome === 'running') {
    return trans.__('under way');
  }
  const done = FILTERS.filter(name => name !== 'left_out' && counter(run.counters, name) > 0).map(
    name => `${count(counter(run.counters, name))} ${filterWords(name, trans)}`
  );
  if (run.outcome === 'interrupted') {
    done.push(trans.__('cut off, the next one went on'));
  } else if (run.outcome === 'failed' && run.problem !== null) {
    done.push(problemWords(run.problem, null, now, trans).short);
  }
  return done.length > 0 ? done.join(', ') : trans.__('nothing new');
}

function facts(run: IRun, trans: TranslationBundle): string {
  const { counters } = run;
  const said = [
    trans.__('Ended %1', moment(run.ended ?? run.started, Date.now(), trans)),
    filesWords(counter(counters, 'unchanged') + counter(counters, 'done'), trans)
  ];
  const sent = counter(counters, 'bytes');
  if (sent > 0) {
    said.push(trans.__('%1 sent', size(sent)));
  }
  const leftOut = counter(counters, 'left_out');
  if (leftOut > 0) {
    said.push(trans.__('%1 left out', count(leftOut)));
  }
  const newer = counter(counters, 'newer_on_drive');
  if (newer > 0) {
    said.push(trans.__('%1 newer on Drive', count(newer)));
  }
  return said.join(' · ');
}

/** The pattern that means one path and nothing else. */
export function ruleFor(path: string): string {
  return `/${path.replace(/([*?[\]\\])/g, '\\$1')}`;
}

/** Leaves a path out from the next sync on. */
export async function leaveOut(desk: Desk, path: string): Promise<void> {
  const { client } = desk.model;
  const settings = await desk.attempt(() => client.getSettings());
  if (settings === null) {
    return;
  }
  const excludes = [...settings.excludes, ruleFor(path)];
  if (await desk.attempt(() => client.patchSettings({ excludes }))) {
    desk.toasts.show(desk.trans.__('It is left out from the next sync on.'), 'info', 5000);
  }
}

/** Takes a rule of the person's own away. */
export async function takeRuleAway(desk: Desk, rule: string): Promise<void> {
  const { client } = desk.model;
  const settings = await desk.attempt(() => client.getSettings());
  if (settings === null) {
    return;
  }
  const excludes = settings.excludes.filter(each => each.trim() !== rule);
  if (await desk.attempt(() => client.patchSettings({ excludes }))) {
    desk.toasts.show(desk.trans.__('It is copied from the next sync on.'), 'info', 5000);
  }
}

/** The person's own rule that leaves a file out; '' where another one does. */
export function ownRule(file: IFileOutcome, settings: ISettings | null): string {
  const said = file.params.rule;
  if (file.code !== 'left_out.excluded' || typeof said !== 'string' || settings === null) {
    return '';
  }
  // The server says where the rule stands after it, in brackets.
  return (
    settings.excludes.map(each => each.trim()).find(rule => said === `${rule} (excludes)`) ?? ''
  );
}

/** What a row of one line says: a rule has no room there, and is told below the list. */
function rowWords(file: IFileOutcome, chosen: string, trans: TranslationBundle): string {
  return file.outcome === 'left_out' && chosen === ''
    ? filterWords('left_out', trans)
    : outcomeWords(file, trans);
}

/** What is said of a file below the list, with what mends it. */
function Detail(props: {
  desk: Desk;
  file: IFileOutcome;
  settings: ISettings | null;
  storage?: string;
}): React.JSX.Element {
  const { desk, file, settings } = props;
  const { trans } = desk;
  const rule = props.storage === undefined ? ownRule(file, settings) : '';
  const fixed = settings?.by_admin.includes('excludes') ?? true;
  return (
    <>
      <p>
        <strong>{plain(file.path)}</strong>: {outcomeWords(file, trans)}
      </p>
      {file.outcome === 'failed' && props.storage === undefined && (
        <div className="jp-DriveSync-actions">
          <Button
            disabled={desk.model.syncing}
            onClick={() => void desk.sync([file.path.replace(/\/$/, '')])}
          >
            {trans.__('Sync this now')}
          </Button>
          {!fixed && (
            <Button kind="link" onClick={() => void leaveOut(desk, file.path)}>
              {trans.__('Leave out')}
            </Button>
          )}
        </div>
      )}
      {rule !== '' && !fixed && (
        <div className="jp-DriveSync-actions">
          <Button kind="link" onClick={() => void takeRuleAway(desk, rule)}>
            {trans.__('Copy it after all')}
          </Button>
        </div>
      )}
    </>
  );
}

/** The files of a run. */
export function RunFiles(props: {
  desk: Desk;
  run: IRun;
  settings: ISettings | null;
  /** What to show first; otherwise what was not synced, where there is such. */
  filter?: string;
  rows: number;
  /** The storage whose run it is; the mirror's without. */
  storage?: string;
}): React.JSX.Element {
  const { desk, run, settings, storage } = props;
  const { trans } = desk;
  const { client } = desk.model;
  const present = FILTERS.filter(name => counter(run.counters, name) > 0);
  const wanted = props.filter ?? '';
  const begin = present.find(name => name === wanted) ?? (present[0] === 'failed' ? 'failed' : '');
  const [filter, setFilter] = useState<string>(begin);
  const chosen = present.some(name => name === filter) ? filter : '';
  return (
    <>
      <p className="jp-DriveSync-numbers">{facts(run, trans)}</p>
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
              {filterWords(name, trans)} <span>{count(counter(run.counters, name))}</span>
            </button>
          ))}
        </div>
      )}
      <WindowList<IFileOutcome>
        of={`${storage ?? ''} ${run.id} ${run.ended ?? ''} ${chosen}`}
        load={offset =>
          storage === undefined
            ? client.runFiles(run.id, offset, chosen)
            : client.storageRunFiles(storage, run.id, offset, chosen)
        }
        row={REASONED.includes(chosen) ? 'reason' : 'line'}
        rows={REASONED.includes(chosen) ? Math.ceil(props.rows / 2) : props.rows}
        trans={trans}
        label={
          storage === undefined ? trans.__('Files of this sync') : trans.__('Files of this run')
        }
        empty={
          chosen === '' && present.length === 0 ? (
            storage === undefined ? (
              trans.__('Every file was already on Drive; nothing was left out.')
            ) : (
              trans.__('Nothing was different.')
            )
          ) : (
            <>
              {trans.__('None of them is listed any more.')}{' '}
              {chosen !== '' && (
                <Button kind="link" onClick={() => setFilter('')}>
                  {trans.__('Clear filter')}
                </Button>
              )}
            </>
          )
        }
        draw={file => (
          <>
            <Tail path={file.path} />
            <span className="jp-DriveSync-row-said" title={outcomeWords(file, trans)}>
              {rowWords(file, chosen, trans)}
            </span>
          </>
        )}
        detail={file => <Detail desk={desk} file={file} settings={settings} storage={storage} />}
      />
    </>
  );
}
