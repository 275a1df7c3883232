/** A desk on a server of the test, which answers to all that the surfaces ask. */
import { Notification } from '@jupyterlab/apputils';
import type { IProblem, IStatus, IStorage, IStorageStatus } from '../src/contract';
import { Desk, type Page } from '../src/desk';
import { type DialogPage, openDialog } from '../src/dialog';
import { Toasts } from '../src/toasts';
import { file, Ground, hours, status, trans } from './fixtures';

export const SETTINGS = {
  excludes: ['/old/'],
  includes: [],
  max_file_size: 2e9,
  bandwidth: 0,
  notify: 'problems' as const,
  time_zone: '',
  paused_until: null,
  schedule: '0 3 * * *',
  effective_time_zone: 'Europe/Zurich',
  next_run: hours(15),
  by_admin: [] as string[]
};

/** What is apart: one replaced edit, one file that is newer there, two that are there alone. */
export const APART = {
  replaced: [
    {
      path: 'a/Lab3.ipynb',
      size: 900,
      at: hours(-5),
      revision: 'r7',
      kept: true,
      link: 'https://d/1'
    }
  ],
  newer: [
    { path: 'a/notes.md', size: 40, at: hours(-2), revision: '', kept: false, link: 'https://d/2' }
  ],
  archived: [
    { path: 'old/x.csv', size: 70, at: null, revision: '', kept: false, link: 'https://d/3' }
  ],
  unclaimed: [],
  declined: [{ path: 'no.txt', size: 7, at: hours(-50), revision: '', kept: false, link: '' }]
};

function apartPage(): unknown {
  const url = ground.server.asked.at(-1)?.url ?? '';
  const kind = (/kind=(\w+)/.exec(url)?.[1] ?? 'replaced') as keyof typeof APART;
  const counts = Object.fromEntries(Object.entries(APART).map(([name, all]) => [name, all.length]));
  return { counts, kind, files: APART[kind], total: APART[kind].length, offset: 0 };
}

export const RULES = {
  rules: [
    {
      reason: 'excluded',
      rule: '.cache/ (default)',
      paths: 1,
      files: 812,
      bytes: 96e6,
      whole: false
    },
    { reason: 'excluded', rule: '/old/ (excludes)', paths: 1, files: 1, bytes: 5e6, whole: true },
    { reason: 'link', rule: '', paths: 2, files: 2, bytes: 0, whole: true }
  ],
  idle: ['/nothing/ '],
  looked: hours(0)
};

export const PLAN = {
  estimate: { files: 2, size: 140_000, requests: 4, quota_units: 205, minutes: 0.1 },
  counts: { create: 1, replace: 1, pin: 1 },
  steps: [
    { step: 'replace', path: 'a/Lab3.ipynb', kind: 'file', from: 'a/Lab3.ipynb', size: 70_000 },
    { step: 'pin', path: 'a/Lab3.ipynb', kind: 'file', from: null, size: 0 },
    { step: 'create', path: 'a/Lab4.ipynb', kind: 'file', from: null, size: 70_000 }
  ],
  steps_more: 9,
  holds: [{ kind: 'deletions', count: 3, reason: '' }],
  looked: hours(0)
};

function treePage(): unknown {
  const url = ground.server.asked.at(-1)?.url ?? '';
  const path = /path=([^&]*)/.exec(url)?.[1] ?? '';
  const offset = Number(/offset=(\d+)/.exec(url)?.[1] ?? 0);
  const child = (name: string, folder: boolean, here = true): object => ({
    path: path ? `${path}/${name}` : name,
    name,
    folder,
    size: folder ? 0 : 70,
    modified: 0,
    here
  });
  const all = path
    ? [child('x.csv', false), child('y.csv', false, false)]
    : [child('a', true), child('b.txt', false)];
  return { path, files: all.slice(offset, offset + 1), total: all.length, offset };
}

export const UNDOABLE = {
  run: 7,
  started: hours(-1),
  stays: { uploaded: 1 },
  files: [
    { path: 'a/gone.csv', way: 'untrash', size: 100 },
    { path: 'a/Lab3.ipynb', way: 'put_back', size: 0 }
  ],
  total: 3,
  offset: 0
};

export const SPACE = { limit: 15e9, usage: 6e9, in_trash: 2e8, free: 9e9, looked: hours(0) };

export const RUN = {
  id: 7,
  job: 'j1',
  started: hours(-1),
  ended: hours(-1),
  outcome: 'completed',
  counters: { uploaded: 1, updated: 2, unchanged: 5, done: 3, left_out: 12, bytes: 5e6 },
  problem: null,
  verified: false
};

export const FILES = {
  total: 2,
  offset: 0,
  files: [file('a/big.bin', 'failed', 'drive.tree_limit'), file('a/Lab3.ipynb', 'updated')]
};

export const HOLD = {
  id: 'h1',
  kind: 'deletions',
  since: hours(-2),
  count: 3,
  bytes: 300,
  reason: '3 files are gone; nothing was removed on Drive.',
  params: {},
  choices: ['keep' as const, 'trash' as const],
  paths_href: '/x'
};

/** What an export can hold: it keeps what is gone here, and never asks about that. */
export const MOVED_OUT = {
  ...HOLD,
  kind: 'moved_out',
  reason: '3 files were moved elsewhere on your Drive; no new copies were made.',
  choices: ['keep' as const, 'start_afresh' as const]
};

export const HELD = {
  total: 3,
  offset: 0,
  files: [
    { path: 'a/1', size: 100 },
    { path: 'a/2', size: 100 },
    { path: 'top', size: 100 }
  ]
};

/** A storage that has just run. */
export function storage(change: Partial<IStorage> = {}): IStorage {
  return {
    name: 'course',
    local: 'material',
    drive: 'Courses/2026',
    direction: 'import',
    scope: 'drive.readonly',
    credentials: 'service_account',
    key_file: 'keys/course.json',
    client_file: '',
    subject: '',
    schedule: '0 5 * * *',
    includes: [],
    excludes: ['solutions/'],
    by_admin: false,
    own: true,
    connected: true,
    status: {
      status: 'completed',
      last_sync: hours(-1),
      last_sync_count: 36,
      last_sync_job: 's1',
      job: 's1',
      started: hours(-1),
      traceback: '',
      problem: null,
      holds: [],
      meta: { brought: 2, unchanged: 34 }
    },
    progress: null,
    next_run: hours(17),
    ...change
  };
}

/** That storage, standing otherwise. */
export function standing(change: Partial<IStorageStatus>, rest: Partial<IStorage> = {}): IStorage {
  return storage({ ...rest, status: { ...storage().status, ...change } });
}

/** A problem as the server tells one. */
export function problem(code: string, who: IProblem['who'] = 'user', params = {}): IProblem {
  return { code, who, sentence: `What the server said of ${code}.`, params };
}

/** The server of the test, and the model on it. */
export let ground: Ground;
export let desk: Desk;

/** Begins with a status, and answers to all that the surfaces ask. */
export async function begin(change: Partial<IStatus> = {}): Promise<Desk> {
  ground = new Ground();
  Object.assign(ground.server.answers, {
    'GET history': { runs: [RUN], total: 1, offset: 0 },
    'GET history/7/files': FILES,
    'GET space': SPACE,
    'GET apart': apartPage,
    'GET rules': RULES,
    'GET plan': PLAN,
    'GET tree': treePage,
    'GET undoable': UNDOABLE,
    'POST restore': { job: 'r1', already: false },
    'POST undo': { job: 'u1', already: false },
    'GET storages': { storages: [] },
    'GET courses': { courses: [] },
    'GET settings': SETTINGS,
    'PATCH settings': SETTINGS,
    'GET holds/h1/files': HELD,
    'POST release': { files: 3, job: '' },
    'POST acknowledge': { incident: null },
    'POST sync': { job: 'j2', already: false },
    'POST cancel': { job: 'j1', cancelled: true },
    'GET disconnect': {
      connected: true,
      account: { email: 'ann@uni.edu', name: 'Ann' },
      files: 1236,
      stays: '',
      revoke_ends: [
        { code: 'others', sentence: 'In English.' },
        { code: 'consent', sentence: 'In English.' },
        { code: 'new', sentence: 'Other computers must be connected again.' }
      ]
    },
    'POST disconnect': { revoked: false },
    'DELETE authorize': { consent: null },
    'GET preview': {
      home: '/home/ann',
      drive_folder: 'home/ann',
      files: 1240,
      bytes: 310e6,
      minutes: 4.1,
      folders: [
        { name: 'course', files: 1200, bytes: 300e6 },
        { name: '', files: 40, bytes: 10e6 }
      ],
      folders_more: 3,
      left_out: [
        {
          path: '.cache',
          reason: 'Rule.',
          code: 'left_out.excluded',
          params: { rule: '.cache/' },
          size: 0
        }
      ],
      left_out_count: 1,
      looked: hours(0)
    }
  });
  const model = await ground.start(status(change));
  desk = new Desk(model, trans, new Toasts());
  return desk;
}

/** Lets React draw; it does so in tasks, not in promises. */
export async function drawn(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) {
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

/** The notifications that are shown. */
export function toasts(): { message: string; labels: string[] }[] {
  return Notification.manager.notifications.map(({ message, options }) => ({
    message,
    labels: (options.actions ?? []).map(action => action.label)
  }));
}

/** The button with these words. */
export function button(name: string | RegExp, root: ParentNode = document): HTMLButtonElement {
  const found = [...root.querySelectorAll('button')].find(each =>
    typeof name === 'string' ? each.textContent === name : name.test(each.textContent ?? '')
  );
  if (!found) {
    throw new Error(`no button ${String(name)} in ${document.body.textContent ?? ''}`);
  }
  return found;
}

/** Begins on a server that does not answer. */
export async function beginAway(): Promise<void> {
  ground = new Ground();
  await ground.start(new TypeError('away'));
  desk = new Desk(ground.model, trans, new Toasts());
}

/** What was sent to a route of the API, in order. */
export function bodies(method: string, route: string): unknown[] {
  return ground.server.asked
    .filter(each => each.method === method && each.url.endsWith(`/drive-sync/api/${route}`))
    .map(each => each.body);
}

/** Opens the dialog at a page, or turns it there. */
export async function openAt(page: DialogPage): Promise<HTMLDialogElement> {
  const node = openDialog(desk, page);
  await drawn();
  return node;
}

/** Gives the tests of a file modal dialogs, of which jsdom has none. */
export function withDialogs(): void {
  beforeAll(() => {
    HTMLDialogElement.prototype.showModal = function showModal() {
      this.open = true;
    };
    HTMLDialogElement.prototype.close = function close() {
      this.open = false;
      this.dispatchEvent(new Event('close'));
    };
  });
}

/** Has each test of a file end with nothing on the stage. */
export function staged(): void {
  withDialogs();
  afterEach(() => {
    document.querySelector('dialog')?.close();
    Notification.dismiss();
    (ground as Ground | undefined)?.model.dispose();
    document.body.replaceChildren();
  });
}

/** The pages that are opened from now on. */
export function opened(): Page[] {
  const pages: Page[] = [];
  desk.opened.connect((_, page) => pages.push(page));
  return pages;
}
