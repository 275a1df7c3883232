/** From what is known to what is shown: shape, words and the one action. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IProblem, IProgress, IStatus } from './contract';
import { count, duration, moment, shortDuration, size } from './format';
import { holdWords } from './holds';
import type { Shape } from './icons';
import type { Reach } from './model';
import { words } from './problems';
import type { Action as ProblemAction, IWords } from './wording';

/** What the one button of a state does. */
export type Action = ProblemAction | 'cancel' | 'open_drive' | 'resume';

/** What is known, as the view needs it. */
export interface IKnown {
  status: IStatus | null;
  reach: Reach;
  /** When the server was last heard, in milliseconds; 0 for never. */
  heard: number;
  /** A click asked for a sync. */
  pending: boolean;
  refused: IProblem | null;
}

/** How a state is shown. */
export interface IView {
  shape: Shape;
  /** The status bar's words, and the tooltip's; at most 60 characters. */
  line: string;
  /** What happened and what it means, in a sentence. */
  headline: string;
  action: Action | null;
  /** The action in the words of its button; '' for none. */
  button: string;
  /** The words of the toolbar button, which are short. */
  label: string;
  /** The share that is done, 0 to 1; null while nobody can tell. */
  share: number | null;
  /** What to tell an administrator; '' for nothing. */
  admin: string;
  /** Code of the problem, small print; '' for none. */
  code: string;
}

/** A counter, 0 where there is none. */
export function counter(counters: Readonly<Record<string, unknown>>, name: string): number {
  const value = counters[name];
  return typeof value === 'number' ? value : 0;
}

/** The words on the button of an action. */
export function buttonWords(action: Action | null, trans: TranslationBundle): string {
  switch (action) {
    case null:
      return '';
    case 'authorize':
      return trans.__('Authorize Google Drive…');
    case 'reconnect':
      return trans.__('Reconnect');
    case 'review':
      return trans.__('Review');
    case 'sync':
      return trans.__('Sync now');
    case 'files':
      return trans.__('See the files');
    case 'exclude':
      return trans.__('Leave out folders…');
    case 'space':
      return trans.__('See what takes space');
    case 'copy_admin':
      return trans.__('Copy message for admin');
    case 'copy_details':
      return trans.__('Copy details');
    case 'cancel':
      return trans.__('Cancel');
    case 'open_drive':
      return trans.__('Open in Google Drive');
    case 'resume':
      return trans.__('Resume');
  }
}

/** Bytes that could be sent in the time that a small file's request takes, as the estimate has it. */
const FILE_WEIGHT = 500_000;

/** The share of a sync that is done: bytes and files, so that moves and small files count too. */
export function share(progress: IProgress): number | null {
  const { phase, done, total, bytes_done, bytes_total } = progress;
  if (total === 0 || (phase !== 'copying' && phase !== 'checking')) {
    return null;
  }
  const part = (bytes_done + done * FILE_WEIGHT) / (bytes_total + total * FILE_WEIGHT);
  // Whole only when it was checked.
  return Math.min(0.99, part);
}

function syncing(status: IStatus | null, trans: TranslationBundle): Partial<IView> {
  const progress = status?.progress;
  if (!progress || status.status === 'queued') {
    const queued = trans.__('queued');
    return {
      line: queued,
      headline: trans.__('The sync is about to begin.'),
      label: trans.__('Queued')
    };
  }
  const { phase, done, total, bytes_done, bytes_total, eta_seconds, slowed } = progress;
  if (phase === 'checking') {
    const checking = trans.__('checking…');
    return {
      line: checking,
      headline: trans.__('Everything is sent; it is being checked against Drive.'),
      label: trans.__('Checking…')
    };
  }
  if (phase !== 'copying' || total === 0) {
    const looking = trans.__('looking for changes…');
    return {
      line: looking,
      headline: trans.__('Your files are compared with what is on Drive.'),
      label: trans.__('Looking…')
    };
  }
  const files = trans.__('%1 of %2', count(done), count(total));
  let line = trans._n('%2 of %3 file', '%2 of %3 files', total, count(done), count(total));
  if (slowed) {
    line = trans.__('slowed by Google, going on');
  } else if (eta_seconds !== null) {
    line = trans.__('%1 · %2 left', files, shortDuration(eta_seconds, trans));
  }
  const parts = [
    trans._n('Copying %2 of %3 file', 'Copying %2 of %3 files', total, count(done), count(total))
  ];
  if (bytes_total > 0) {
    parts.push(trans.__('%1 of %2', size(bytes_done), size(bytes_total)));
  }
  if (slowed) {
    parts.push(trans.__('slowed by Google, going on'));
  } else if (eta_seconds !== null) {
    parts.push(trans.__('%1 left', duration(eta_seconds, trans)));
  }
  const percent = trans.__('%1 %', Math.floor((share(progress) ?? 0) * 100));
  return {
    line,
    headline: `${parts.join(', ')}.`,
    label: files.length <= 11 ? files : percent
  };
}

function waiting(
  status: IStatus,
  { last, ended, next }: { last: string; ended: string; next: string },
  trans: TranslationBundle
): [string, string] {
  const meta = status.meta;
  const failed = status.status === 'completed_with_errors' ? counter(meta, 'failed') : 0;
  const total = counter(meta, 'total');
  if (status.status === 'queued') {
    return [trans.__('queued'), trans.__('The sync is about to begin.')];
  }
  if (status.waiting_for === 'kernels') {
    return [
      trans.__('waits until your notebooks are idle'),
      trans.__('The sync begins when your notebooks have nothing to do.')
    ];
  }
  if (status.problem?.code === 'run.cancelled') {
    const done = counter(meta, 'done');
    return [
      total > 0
        ? trans.__('stopped by you, %1 of %2 done', count(done), count(total))
        : trans.__('stopped by you'),
      trans.__('You stopped the sync; what was done stays, and the next one goes on from there.')
    ];
  }
  if (failed > 0) {
    // A file that changes while it is read is nothing unusual: the next sync settles it.
    const good = counter(meta, 'unchanged') + counter(meta, 'done') - counter(meta, 'trashed');
    return [
      trans.__('%1 of %2 synced %3', count(good), count(good + failed), ended),
      trans._n(
        '%2 file could not be copied this time; it is tried again at the next sync.',
        '%2 files could not be copied this time; they are tried again at the next sync.',
        failed,
        count(failed)
      )
    ];
  }
  if (status.last_sync === null) {
    return next
      ? [
          trans.__('first sync %1', next),
          trans.__('Your files are not backed up yet; the first sync begins %1.', next)
        ]
      : [trans.__('not synced yet'), trans.__('Your files are not backed up yet.')];
  }
  const saved = trans._n('%1 saved since %2', '%1 saved since %2', status.saved_since, last);
  const since = next
    ? trans._n(
        '%1 file was saved after the last sync; next sync %2.',
        '%1 files were saved after the last sync; next sync %2.',
        status.saved_since,
        next
      )
    : trans._n(
        '%1 file was saved after the last sync.',
        '%1 files were saved after the last sync.',
        status.saved_since
      );
  return status.saved_since > 0
    ? [saved, since]
    : [
        next ? trans.__('next sync %1', next) : trans.__('waiting'),
        next ? trans.__('The next sync begins %1.', next) : trans.__('No sync is planned.')
      ];
}

function paused(status: IStatus, now: number, trans: TranslationBundle): [string, string] {
  if (status.paused_by === 'admin') {
    return [
      trans.__('paused by your admin'),
      trans.__(
        'Your admin has paused syncing; nothing is copied until it is resumed, and you need do nothing.'
      )
    ];
  }
  const until = status.paused_until ?? -1;
  return [
    until > 0 ? trans.__('paused until %1', moment(until, now, trans)) : trans.__('paused'),
    until > 0
      ? trans.__('Nothing is copied until then; you can resume earlier.')
      : trans.__('Nothing is copied until you resume.')
  ];
}

/** The words of a problem, as of this status. */
export function problemWords(
  problem: IProblem,
  status: IStatus | null,
  now: number,
  trans: TranslationBundle
): IWords {
  return words(problem.code, {
    trans,
    params: problem.params,
    said: problem.sentence,
    next: status?.next_run ? atTime(status.next_run, now, trans) : '',
    last: status?.last_sync ? moment(status.last_sync, now, trans) : ''
  });
}

/** Says at what time something was or will be: `at 03:00`, `tomorrow 03:00`. */
export function atTime(at: number, now: number, trans: TranslationBundle): string {
  const text = moment(at, now, trans);
  const today = new Date(at * 1000).toDateString() === new Date(now).toDateString();
  return today ? trans.__('at %1', text) : text;
}

function needsYou(status: IStatus, now: number, trans: TranslationBundle): Partial<IView> {
  const access = status.problem?.code.startsWith('auth.') && status.problem.who === 'user';
  const hold = status.holds[0];
  if (!access && hold) {
    const many = hold.kind === 'deletions';
    return {
      line: many
        ? trans._n(
            '%2 deletion needs your OK',
            '%2 deletions need your OK',
            hold.count,
            count(hold.count)
          )
        : problemWords(
            { code: `held.${hold.kind}`, who: 'user', sentence: hold.reason, params: {} },
            status,
            now,
            trans
          ).short,
      headline: holdWords(hold, now, trans),
      action: 'review'
    };
  }
  if (status.problem && status.problem.who !== 'wait') {
    return fromProblem(status.problem, status, now, trans);
  }
  const failed = counter(status.meta, 'failed');
  return {
    line: trans._n('%2 file not synced', '%2 files not synced', failed, count(failed)),
    headline: trans._n(
      '%2 file could not be copied in the last syncs; everything else is on Drive.',
      '%2 files could not be copied in the last syncs; everything else is on Drive.',
      failed,
      count(failed)
    ),
    action: 'files'
  };
}

function fromProblem(
  problem: IProblem,
  status: IStatus | null,
  now: number,
  trans: TranslationBundle
): Partial<IView> {
  const said = problemWords(problem, status, now, trans);
  return {
    line: said.short,
    headline: said.sentence,
    action: said.action,
    button: said.button,
    admin: said.admin ?? '',
    code: problem.code
  };
}

/**
 * Says how things stand.
 *
 * @param known what the page knows.
 * @param now milliseconds since the epoch.
 */
export function describe(known: IKnown, now: number, trans: TranslationBundle): IView {
  const view = raw(known, now, trans);
  const action = view.action ?? null;
  const button =
    view.button ??
    (action === 'sync' && view.shape === 'offline'
      ? trans.__('Try now')
      : buttonWords(action, trans));
  const line = view.line ?? '';
  return {
    share: null,
    admin: '',
    code: '',
    headline: '',
    ...view,
    action,
    button,
    line: trans.__('Drive: %1', line),
    label: view.label ?? toolbarLabel(view.shape, action, trans)
  };
}

function toolbarLabel(shape: Shape, action: Action | null, trans: TranslationBundle): string {
  switch (shape) {
    case 'not_connected':
      return action === 'authorize' ? trans.__('Authorize') : trans.__('Not set up');
    case 'synced':
    case 'waiting':
      return trans.__('Sync now');
    case 'offline':
      return trans.__('Offline');
    case 'paused':
      return trans.__('Paused');
    case 'cant_sync':
      return action === 'sync' ? trans.__('Stopped') : trans.__("Can't sync");
    case 'needs_you':
      return action === 'reconnect'
        ? trans.__('Reconnect')
        : action === 'review'
          ? trans.__('Review')
          : trans.__('Needs you');
    case 'unknown':
    case 'syncing':
      return trans.__('Checking…');
  }
}

function raw(
  known: IKnown,
  now: number,
  trans: TranslationBundle
): Partial<IView> & { shape: Shape } {
  const { status, reach, pending } = known;
  if (known.refused) {
    return { shape: 'cant_sync', ...fromProblem(known.refused, null, now, trans) };
  }
  if (!status || reach === 'away' || reach === 'checking') {
    const long = known.heard > 0 ? now - known.heard > 10_000 : reach === 'away';
    return {
      shape: 'unknown',
      line: long ? trans.__('status unknown') : trans.__('checking…'),
      headline:
        known.heard > 0
          ? trans.__(
              'The server does not answer, so the last known state is from %1.',
              moment(known.heard / 1000, now, trans)
            )
          : trans.__('The server has not answered yet.')
    };
  }
  const last = status.last_sync === null ? '' : moment(status.last_sync, now, trans);
  const next = status.next_run === null ? '' : atTime(status.next_run, now, trans);
  if (pending || status.state === 'syncing') {
    const optimistic = pending && status.state !== 'syncing';
    return {
      shape: 'syncing',
      action: optimistic ? null : 'cancel',
      share: !optimistic && status.progress ? share(status.progress) : null,
      ...syncing(optimistic ? null : status, trans)
    };
  }
  switch (status.state) {
    case 'not_connected':
      return {
        shape: 'not_connected',
        ...(status.problem?.who === 'admin'
          ? fromProblem(status.problem, status, now, trans)
          : {
              line: trans.__('not connected'),
              headline: trans.__('Your files are not backed up yet.'),
              action: 'authorize'
            })
      };
    case 'needs_you':
      return { shape: 'needs_you', ...needsYou(status, now, trans) };
    case 'cant_sync':
    case 'offline': {
      const problem = status.problem ?? { code: 'internal', who: 'bug', sentence: '', params: {} };
      return { shape: status.state, ...fromProblem(problem, status, now, trans) };
    }
    case 'paused': {
      const [line, headline] = paused(status, now, trans);
      return status.paused_by === 'admin'
        ? {
            shape: 'paused',
            line,
            headline,
            action: 'copy_admin',
            admin: trans.__(
              'Syncing is paused for everybody here (c.DriveSync.paused). Its end needs a restart of the server.'
            ),
            code: 'run.paused'
          }
        : { shape: 'paused', line, headline, action: 'resume' };
    }
    case 'synced':
      if (status.saved_since === 0 && status.last_sync !== null) {
        return {
          shape: 'synced',
          line: trans.__('synced %1', last),
          headline: trans.__(
            'Everything that is backed up was checked against Drive %1.',
            atTime(status.last_sync, now, trans)
          ),
          action: status.link ? 'open_drive' : null
        };
      }
  }
  // The last word of a run that came to its end is its end.
  const end = counter(status.meta, 'time_last_ping') || (status.started ?? 0);
  const ended = moment(end, now, trans);
  const [line, headline] = waiting(status, { last, ended, next }, trans);
  return { shape: 'waiting', line, headline, action: 'sync' };
}
