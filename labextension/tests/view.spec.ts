import type { IProblem, IProgress, IStatus } from '../src/contract';
import {
  buttonWords,
  counter,
  describe as view,
  type IKnown,
  type IView,
  share
} from '../src/view';
import { hours, NOON, status, trans } from './fixtures';

function look(change: Partial<IStatus> | null, known: Partial<IKnown> = {}): IView {
  return view(
    {
      status: change === null ? null : status(change),
      reach: 'here',
      heard: NOON,
      pending: false,
      refused: null,
      ...known
    },
    NOON,
    trans
  );
}

function problem(code: string, who: IProblem['who'], sentence = 'Said.'): IProblem {
  return { code, who, sentence, params: {} };
}

const COPYING: IProgress = {
  phase: 'copying',
  done: 37,
  total: 120,
  bytes_done: 210e6,
  bytes_total: 1.1e9,
  eta_seconds: 240,
  slowed: false
};

const HOLD = {
  id: 'h1',
  kind: 'deletions',
  since: hours(-2),
  count: 412,
  bytes: 1e6,
  reason: 'In English.',
  params: { mirrored: 1530, causes: ['share'], folders: [], folders_more: 0 },
  choices: ['keep' as const, 'trash' as const],
  paths_href: '/x'
};

describe('describe', () => {
  it('never says synced without a time, nor of a server that is silent', () => {
    const synced = look({});
    expect(synced).toMatchObject({ shape: 'synced', action: 'open_drive', label: 'Sync now' });
    expect(synced.line).toMatch(/^Drive: synced 11:00/);
    expect(synced.headline).toMatch(/was checked against Drive at 11:00/);
    const old = look({ last_sync: hours(-24) });
    expect(old.headline).toMatch(/was checked against Drive yesterday 12:00/);
    expect(look({ last_sync: null }).shape).toBe('waiting');
    expect(look({ link: '' }).action).toBeNull();
    expect(look({}, { reach: 'away' }).shape).toBe('unknown');
    expect(look({}, { reach: 'silent' }).shape).toBe('synced');
  });

  it('says since when it knows nothing', () => {
    expect(look(null, { reach: 'checking', heard: 0 })).toMatchObject({
      shape: 'unknown',
      line: 'Drive: checking…',
      headline: 'The server has not answered yet.',
      action: null,
      button: '',
      label: 'Checking…'
    });
    expect(look(null, { reach: 'away', heard: 0 }).line).toBe('Drive: status unknown');
    expect(look({}, { reach: 'away', heard: NOON - 5000 }).line).toBe('Drive: checking…');
    const long = look({}, { reach: 'away', heard: NOON - 11000 });
    expect(long.line).toBe('Drive: status unknown');
    expect(long.headline).toMatch(/the last known state is from 11:59/);
  });

  it('tells a refusal of the server itself', () => {
    const refused = look(null, { refused: problem('request.not_owner', 'user') });
    expect(refused).toMatchObject({ shape: 'cant_sync', code: 'request.not_owner', action: null });
  });

  it('offers to connect, or says that an admin has to set it up', () => {
    const change = { state: 'not_connected' as const, connected: false };
    expect(look(change)).toMatchObject({
      shape: 'not_connected',
      line: 'Drive: not connected',
      action: 'authorize',
      label: 'Authorize'
    });
    expect(look({ ...change, problem: problem('project.no_client', 'admin') })).toMatchObject({
      line: 'Drive: not set up here',
      action: 'copy_admin',
      label: 'Not set up'
    });
  });

  it('shows a click at once, before the server knows', () => {
    expect(look({}, { pending: true })).toMatchObject({
      shape: 'syncing',
      line: 'Drive: queued',
      label: 'Queued',
      action: null,
      share: null
    });
  });

  it('tells how far a sync is', () => {
    const change = { state: 'syncing' as const, status: 'in_progress' as const };
    expect(look({ ...change, progress: COPYING })).toMatchObject({
      line: 'Drive: 37 of 120 · 4\u00a0min left',
      headline: 'Copying 37 of 120 files, 210\u00a0MB of 1.1\u00a0GB, about 4 minutes left.',
      label: '37 of 120',
      action: 'cancel',
      button: 'Cancel'
    });
    const soon = look({ ...change, progress: { ...COPYING, eta_seconds: 20 } });
    expect(soon.line).toBe('Drive: 37 of 120 · <1\u00a0min left');
    expect(soon.headline).toContain(', less than a minute left.');
    const calm = { ...COPYING, eta_seconds: null, bytes_total: 0, bytes_done: 0 };
    expect(look({ ...change, progress: calm })).toMatchObject({
      line: 'Drive: 37 of 120 files',
      headline: 'Copying 37 of 120 files.'
    });
    expect(look({ ...change, progress: { ...COPYING, slowed: true } })).toMatchObject({
      line: 'Drive: slowed by Google, going on',
      headline: 'Copying 37 of 120 files, 210\u00a0MB of 1.1\u00a0GB, slowed by Google, going on.'
    });
    expect(look({ ...change, progress: { ...COPYING, done: 1000, total: 12000 } }).label).toBe(
      '10 %'
    );
    expect(look({ ...change, progress: { ...COPYING, phase: 'scanning' } })).toMatchObject({
      line: 'Drive: looking for changes…',
      share: null
    });
    expect(
      look({ ...change, progress: { ...COPYING, phase: 'checking', done: 120 } })
    ).toMatchObject({
      line: 'Drive: checking…',
      label: 'Checking…'
    });
    expect(look({ ...change, status: 'queued', progress: null }).line).toBe('Drive: queued');
  });

  it.each<[string, Partial<IStatus>, RegExp, RegExp]>([
    ['the first sync', { last_sync: null }, /^Drive: first sync tomorrow 03:00/, /begins tomorrow/],
    [
      'no plan',
      { last_sync: null, next_run: null },
      /^Drive: not synced yet$/,
      /not backed up yet/
    ],
    ['the queue', { status: 'queued' }, /queued/, /about to begin/],
    ['kernels', { waiting_for: 'kernels' }, /notebooks are idle/, /nothing to do/],
    ['saves', { saved_since: 2 }, /^Drive: 2 saved since 11:00/, /2 files were saved.*next sync/],
    [
      'one save',
      { saved_since: 1, next_run: null },
      /^Drive: 1 saved/,
      /^1 file was saved .*sync\.$/
    ],
    ['tonight', {}, /^Drive: next sync tomorrow/, /next sync begins tomorrow/],
    ['nothing', { next_run: null }, /^Drive: waiting$/, /No sync is planned/],
    [
      'a first failure',
      {
        status: 'completed_with_errors',
        meta: { unchanged: 1230, done: 6, trashed: 1, failed: 1, time_last_ping: hours(-0.5) }
      },
      /^Drive: 1,235 of 1,236 synced 11:30/,
      /^1 file could not be copied this time; it is tried again/
    ],
    [
      'a failure in the first sync of all',
      {
        status: 'completed_with_errors',
        last_sync: null,
        started: null,
        meta: { done: 5, failed: 2 }
      },
      /^Drive: 5 of 7 synced/,
      /^2 files could not be copied this time; they are/
    ],
    [
      'a failure whose end nobody noted',
      { status: 'completed_with_errors', started: hours(-2), meta: { done: 5, failed: 2 } },
      /^Drive: 5 of 7 synced 10:00/,
      /^2 files/
    ],
    [
      'a cancelled sync',
      { problem: problem('run.cancelled', 'wait'), meta: { total: 120, done: 37 } },
      /^Drive: stopped by you, 37 of 120 done$/,
      /goes on from there/
    ],
    [
      'one cancelled before it began',
      { problem: problem('run.cancelled', 'wait'), meta: {} },
      /^Drive: stopped by you$/,
      /goes on from there/
    ]
  ])('waits for %s', (_, change, line, headline) => {
    const shown = look({ state: 'waiting', ...change });
    expect(shown).toMatchObject({ shape: 'waiting', action: 'sync', button: 'Sync now' });
    expect(shown.line).toMatch(line);
    expect(shown.headline).toMatch(headline);
  });

  it('takes saves after a sync for waiting', () => {
    expect(look({ saved_since: 1 }).shape).toBe('waiting');
  });

  it('asks for what only the person can give', () => {
    const state = 'needs_you' as const;
    expect(look({ state, holds: [HOLD] })).toMatchObject({
      line: 'Drive: 412 deletions need your OK',
      headline:
        '412 of 1,530 files are gone from your home (more than a quarter at once). Nothing was removed on Drive.',
      action: 'review',
      button: 'Review',
      label: 'Review'
    });
    expect(look({ state, holds: [{ ...HOLD, kind: 'root_gone' }] }).line).toBe(
      'Drive: your Drive folder is gone'
    );
    const revoked = problem('auth.revoked', 'user');
    expect(look({ state, holds: [HOLD], problem: revoked })).toMatchObject({
      line: 'Drive: please reconnect',
      action: 'reconnect',
      label: 'Reconnect',
      code: 'auth.revoked'
    });
    expect(look({ state, problem: problem('drive.full', 'user') })).toMatchObject({
      action: 'space',
      label: 'Needs you'
    });
    const busy = { state, problem: problem('drive.busy', 'wait'), meta: { failed: 1200 } };
    expect(look(busy).line).toBe('Drive: 1,200 files not synced');
    expect(look({ state, status: 'completed_with_errors', meta: { failed: 3 } })).toMatchObject({
      line: 'Drive: 3 files not synced',
      action: 'files'
    });
  });

  it('says who has to act when it cannot go on', () => {
    expect(
      look({ state: 'cant_sync', status: 'failed', problem: problem('project.api_off', 'admin') })
    ).toMatchObject({ shape: 'cant_sync', action: 'copy_admin', label: "Can't sync" });
    const killed = look({ state: 'cant_sync', problem: problem('run.killed', 'wait') });
    expect(killed.line).toMatch(/^Drive: sync stopped, goes on tomorrow 03:00/);
    expect(killed).toMatchObject({ button: 'Go on now', label: 'Stopped' });
    expect(look({ state: 'cant_sync', next_run: null }).line).toBe('Drive: sync stopped');
    const offline = look({ state: 'offline', problem: problem('net.offline', 'wait') });
    expect(offline).toMatchObject({ shape: 'offline', button: 'Try now', label: 'Offline' });
    const tonight = look({
      state: 'cant_sync',
      next_run: hours(3),
      problem: problem('run.killed', 'wait')
    });
    expect(tonight.line).toMatch(/goes on at 03:00/);
  });

  it('is paused by somebody', () => {
    const state = 'paused' as const;
    expect(look({ state, paused_by: 'user', paused_until: hours(24) })).toMatchObject({
      action: 'resume',
      label: 'Paused',
      headline: 'Nothing is copied until then; you can resume earlier.'
    });
    expect(look({ state, paused_until: hours(24) }).line).toMatch(/^Drive: paused until tomorrow/);
    expect(look({ state, paused_until: -1 })).toMatchObject({
      line: 'Drive: paused',
      headline: 'Nothing is copied until you resume.'
    });
    expect(look({ state, paused_until: null }).line).toBe('Drive: paused');
    expect(look({ state, paused_by: 'admin' })).toMatchObject({
      line: 'Drive: paused by your admin',
      action: 'copy_admin',
      button: 'Copy message for admin',
      admin: expect.stringContaining('c.DriveSync.paused') as unknown
    });
  });

  it('keeps every line within its room', () => {
    const states = [
      'not_connected',
      'waiting',
      'syncing',
      'synced',
      'needs_you',
      'cant_sync'
    ] as const;
    for (const state of states) {
      expect(look({ state, progress: COPYING }).line.length).toBeLessThanOrEqual(60);
    }
  });
});

describe('share', () => {
  it('counts files beside bytes, and is whole only when checked', () => {
    expect(share({ ...COPYING, done: 60, bytes_done: 0, bytes_total: 0 })).toBe(0.5);
    expect(share({ ...COPYING, done: 120, bytes_done: 1.1e9 })).toBe(0.99);
    expect(share({ ...COPYING, phase: 'checking', done: 120, bytes_done: 1.1e9 })).toBe(0.99);
    expect(share({ ...COPYING, total: 0 })).toBeNull();
    expect(share({ ...COPYING, phase: 'scanning' })).toBeNull();
  });
});

describe('small words', () => {
  it('has a button for each action and a number for each counter', () => {
    expect(buttonWords(null, trans)).toBe('');
    expect(buttonWords('resume', trans)).toBe('Resume');
    expect(counter({ a: 2, b: 'x' }, 'a')).toBe(2);
    expect(counter({ a: 2, b: 'x' }, 'b')).toBe(0);
    expect(counter({}, 'c')).toBe(0);
  });
});
