/** Storages: how one stands in words, the panel's part, and the form. */
import { Notification } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import type { IProblem, IStorage, IStorageStatus } from '../src/contract';
import type { Page } from '../src/desk';
import { type DialogPage, openDialog } from '../src/dialog';
import { PanelBody } from '../src/panel/panel';
import {
  check,
  describeStorage,
  driveWords,
  fieldOf,
  foundWords,
  NEW,
  tidied,
  valuesOf
} from '../src/storages';
import { file, type Ground, NOON, status, trans } from './fixtures';
import { begin, button, desk, drawn, ground, HELD, HOLD, RUN, storage, toasts } from './stage';

const PROGRESS = {
  phase: 'copying',
  done: 3,
  total: 12,
  bytes_done: 1e6,
  bytes_total: 4e6,
  eta_seconds: null,
  slowed: false
};

function standing(change: Partial<IStorageStatus>, rest: Partial<IStorage> = {}): IStorage {
  return storage({ ...rest, status: { ...storage().status, ...change } });
}

function problem(code: string, who: IProblem['who'] = 'user', params = {}): IProblem {
  return { code, who, sentence: `What the server said of ${code}.`, params };
}

/** One with a client of its own that has no permission yet. */
const OWN = storage({
  name: 'data',
  credentials: 'client',
  key_file: '',
  client_file: 'client_secrets.json',
  connected: false
});

describe('a storage', () => {
  it.each<[string, IStorage, string, RegExp, string]>([
    ['that has run', storage(), 'synced', /^As on Drive 11:00.*, 36 files\.$/, 'Run now'],
    [
      'that copies',
      storage({ direction: 'export' }),
      'synced',
      /^Copied and checked 11:00/,
      'Run now'
    ],
    [
      'that is new',
      standing({ status: 'initialized', last_sync: null }),
      'waiting',
      /^It has not run yet\.$/,
      'Run now'
    ],
    [
      'of which a file failed',
      standing({ status: 'completed_with_errors', meta: { failed: 1 } }),
      'waiting',
      /^1 file did not get across/,
      'Run now'
    ],
    ['that waits', standing({ status: 'queued' }), 'syncing', /about to begin/, 'Cancel'],
    [
      'that looks',
      standing({ status: 'in_progress' }, { progress: { ...PROGRESS, total: 0 } }),
      'syncing',
      /^Looking/,
      'Cancel'
    ],
    [
      'that runs',
      standing({ status: 'in_progress' }, { progress: PROGRESS }),
      'syncing',
      /^3 of 12 files, 1\u00a0MB of 4\u00a0MB$/,
      'Cancel'
    ],
    [
      'that moves only',
      standing({ status: 'in_progress' }, { progress: { ...PROGRESS, bytes_total: 0 } }),
      'syncing',
      /^3 of 12 files$/,
      'Cancel'
    ],
    [
      'with a client that has no permission yet',
      storage({ connected: false, credentials: 'client' }),
      'needs_you',
      /a Google client of its own, and no permission yet/,
      'Authorize Google Drive…'
    ],
    [
      'with a client whose permission ended',
      standing({ problem: problem('auth.testing_mode') }, { credentials: 'client' }),
      'needs_you',
      /^Google ended the permission after 7 days/,
      'Authorize Google Drive…'
    ],
    [
      'with a client whose permission was taken away',
      standing({ problem: problem('auth.revoked') }, { credentials: 'client' }),
      'needs_you',
      /^Google ended our permission/,
      'Authorize Google Drive…'
    ],
    [
      'with a client and too small a permission',
      standing({ problem: problem('credentials.scope') }, { credentials: 'client' }),
      'needs_you',
      /does not reach far enough/,
      'Authorize Google Drive…'
    ],
    [
      'with a client that Google does not know',
      standing({ problem: problem('project.client_gone', 'admin') }, { credentials: 'client' }),
      'needs_you',
      /no longer knows your client/,
      'Edit…'
    ],
    [
      'with a client whose project has no Drive',
      standing({ problem: problem('project.api_off', 'admin') }, { credentials: 'client' }),
      'needs_you',
      /not switched on in the project of your client/,
      'Run now'
    ],
    [
      'with a client file that cannot be used',
      standing(
        {
          problem: problem('client_file.invalid', 'user', { path: '/h/own.json', problem: 'gone' })
        },
        { credentials: 'client' }
      ),
      'needs_you',
      /^The client file \/h\/own\.json cannot be used: gone\.$/,
      'Edit…'
    ],
    [
      'with a client file of which nobody says more',
      standing({ problem: problem('client_file.invalid') }, { credentials: 'client' }),
      'needs_you',
      /^What the server said/,
      'Edit…'
    ],
    [
      'without a permission',
      storage({ connected: false, credentials: 'auto' }),
      'needs_you',
      /not connected yet/,
      'Authorize Google Drive…'
    ],
    [
      'that holds',
      standing({ holds: [{ ...HOLD, kind: 'changed_client' }] }),
      'needs_you',
      /key to Google was changed/,
      'Review'
    ],
    [
      'whose folder is gone',
      standing({ problem: problem('folder.trashed', 'user', { folder: '1A', name: 'Course' }) }),
      'needs_you',
      /^The folder 1A \(Course\) is in Google Drive's trash/,
      'Edit…'
    ],
    [
      'whose key cannot be fetched',
      standing({ problem: problem('service_account.unreachable', 'wait') }),
      'offline',
      /What the server said/,
      'Edit…'
    ],
    [
      'that was stopped',
      standing({ problem: problem('run.cancelled', 'wait') }),
      'waiting',
      /^You stopped it/,
      'Run now'
    ],
    [
      'that is offline',
      standing({ problem: problem('net.offline', 'wait') }),
      'offline',
      /No connection/,
      'Run now'
    ],
    [
      'that an admin has to mend',
      standing({ problem: problem('project.api_off', 'admin') }),
      'cant_sync',
      /not switched on/,
      'Copy message for admin'
    ],
    [
      'that is not let in',
      standing({ problem: problem('auth.revoked') }),
      'needs_you',
      /ended our permission/,
      'Authorize Google Drive…'
    ],
    [
      'with a fault',
      standing({ problem: problem('internal', 'bug') }),
      'needs_you',
      /did not foresee/,
      'Run now'
    ]
  ])('%s says so, with one action', (_, one, shape, sentence, label) => {
    const view = describeStorage(one, NOON, trans);
    expect(view.shape).toBe(shape);
    expect(view.sentence).toMatch(sentence);
    expect(view.button).toBe(label);
  });
});

describe('what was filled in', () => {
  const good = { ...NEW, name: 'course', local: 'x', drive: 'y' };

  it.each<[string, object, string]>([
    ['', {}, ''],
    ['no name', { name: '' }, 'name'],
    ['a strange name', { name: 'a b' }, 'name'],
    ['the name of the mirror', { name: 'home' }, 'name'],
    ['a name that is taken', { name: 'Taken' }, 'name'],
    ['no folder there', { drive: '' }, 'drive'],
    ['no folder here', { local: '' }, 'local'],
    ['the home itself', { local: '.' }, 'local'],
    ['a path that leads up', { local: 'a/../..' }, 'local'],
    ['a path from ~', { local: '~/a' }, 'local'],
    ['no key', { credentials: 'service_account' }, 'key_file'],
    ['no client', { credentials: 'client' }, 'client_file'],
    ['nobody', { credentials: 'adc', subject: 'ann' }, 'subject']
  ])('is looked at: %s', (_, change, field) => {
    expect(check({ ...good, ...change }, ['taken'], trans)?.field ?? '').toBe(field);
  });

  it.each<[string, object, object, string]>([
    ['storage.invalid', { field: 'local' }, {}, 'local'],
    ['storage.invalid', { field: 'other' }, {}, ''],
    ['storage.invalid', {}, {}, ''],
    ['storage.invalid', { field: 'scope' }, {}, 'credentials'],
    ['credentials.scope', {}, { credentials: 'client' }, 'scope'],
    ['folder.not_found', {}, {}, 'drive'],
    ['restore.not_there', {}, {}, 'drive'],
    ['home.unwritable', {}, {}, 'local'],
    ['client_file.invalid', {}, { credentials: 'client' }, 'client_file'],
    ['client_file.invalid', {}, {}, 'credentials'],
    ['auth.missing', {}, {}, 'credentials'],
    ['project.api_off', {}, {}, 'credentials'],
    ['service_account.invalid', {}, { credentials: 'service_account' }, 'key_file'],
    ['service_account.invalid', {}, { credentials: 'adc' }, 'credentials'],
    ['service_account.owns_nothing', {}, { credentials: 'service_account' }, 'credentials'],
    ['service_account.not_delegated', {}, { credentials: 'adc' }, 'subject'],
    ['net.offline', {}, {}, '']
  ])('is named by the problem %s %j', (code, params, change, field) => {
    expect(fieldOf(problem(code, 'user', params), { ...good, ...change })).toBe(field);
  });

  it('goes without what does not belong to it', () => {
    const filled = {
      ...good,
      name: ' course ',
      local: 'x/ ',
      key_file: 'k',
      client_file: 'c',
      subject: 's',
      scope: 'drive' as const
    };
    expect(tidied(filled)).toEqual({ ...good, local: 'x' });
    const kinds = ['service_account', 'client', 'adc', 'hub'] as const;
    expect(
      kinds
        .map(credentials => tidied({ ...filled, credentials }))
        .map(({ key_file, client_file, subject, scope }) => [key_file, client_file, subject, scope])
    ).toEqual([
      ['k', '', 's', 'drive'],
      ['', 'c', '', 'drive'],
      ['', '', 's', 'drive'],
      ['', '', '', '']
    ]);
    expect(valuesOf(storage())).toEqual(valuesOf(valuesOf(storage())));
    expect('status' in valuesOf(storage())).toBe(false);
  });

  it.each([
    ['Courses/2026', 'Courses/2026'],
    ['a-folder-of-a-very-long-name/x', 'a-folder-of-a-very-long-name/x'],
    ['Courses/a-folder-of-a-very-long-name', 'Courses/a-folder-of-a-very-long-name'],
    ['1AbCdEfGhIjKlMnOpQrStUvWxYz012345', '1AbCdE…012345'],
    [
      'https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345?usp=sharing',
      '1AbCdE…012345'
    ],
    ['https://drive.google.com/open?id=1AbCdEfGhIjKlMnOpQrStUvWxYz012345', '1AbCdE…012345']
  ])('names the folder on Drive: %s', (drive, words) => {
    expect(driveWords(drive)).toBe(words);
  });

  it('works in words', () => {
    expect(foundWords('a@b.c', '', '', trans)).toMatch(/is made when/);
    expect(foundWords('a@b.c', 'Course', '', trans)).toMatch(/Course is there/);
    expect(foundWords('a@b.c', 'Course', 'lab.ipynb', trans)).toBe(
      'It works, as a@b.c: lab.ipynb can be read in Course.'
    );
  });
});

async function part(...storages: IStorage[]): Promise<HTMLElement> {
  ground.server.answers['GET storages'] = { storages };
  const body = new PanelBody(desk);
  Widget.attach(body, document.body);
  await drawn();
  const node = body.node.querySelector<HTMLElement>('[data-name=storages]')!;
  const head = node.querySelector('button')!;
  if (head.getAttribute('aria-expanded') === 'false') {
    head.click();
    await drawn();
  }
  return node;
}

function opened(): Page[] {
  const pages: Page[] = [];
  desk.opened.connect((_, page) => pages.push(page));
  return pages;
}

function bodies(method: string, route: string): unknown[] {
  return ground.server.asked
    .filter(each => each.method === method && each.url.endsWith(`/drive-sync/api/${route}`))
    .map(each => each.body);
}

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
    this.dispatchEvent(new Event('close'));
  };
});

afterEach(() => {
  document.querySelector<HTMLDialogElement>('.jp-DriveSync-dialog')?.close();
  Notification.dismiss();
  (ground as Ground | undefined)?.model.dispose();
  document.body.replaceChildren();
});

describe('the part of the panel', () => {
  it('says what it is for where there is none, and offers to add one', async () => {
    await begin();
    const pages = opened();
    const node = await part();
    expect(node.textContent).toContain('There are none yet.');
    button('Add a storage…', node).click();
    expect(pages).toEqual([{ name: 'storage' }]);
  });

  it('shows each with its folders, its times and its actions', async () => {
    await begin();
    const pages = opened();
    const one = storage();
    const node = await part(one);
    expect(node.textContent).toMatch(/Brings from Drive: Courses\/2026 → material/);
    expect(node.textContent).toMatch(/Last run: .*11:00/);
    expect(node.textContent).toMatch(/Next run: .*\(every night at 05:00\)/);
    expect(node.textContent).not.toContain('admin');
    button('Run now', node).click();
    await drawn();
    expect(bodies('POST', 'storages/course/run')).toEqual([{}]);
    button('Edit…', node).click();
    button('Remove…', node).click();
    expect(pages).toEqual([
      { name: 'storage', storage: one },
      { name: 'forget', storage: one }
    ]);
    ground.server.answers['POST validate'] = {
      account: 'c@uni.iam',
      folder: { id: '1', name: 'Course', link: '' },
      sample: 'lab.ipynb'
    };
    button('Check', node).click();
    await drawn();
    expect(node.querySelector('[role=status]')?.textContent).toMatch(/lab\.ipynb can be read/);
    ground.server.answers['POST validate'] = new TypeError('away');
    button('Check', node).click();
    await drawn();
    expect(node.querySelector('[role=status]')?.textContent).toMatch(/does not answer/);
  });

  it('opens its history, and a run of it', async () => {
    await begin();
    ground.server.answers['GET storages/course/history'] = {
      runs: [
        { ...RUN, outcome: 'running' },
        { ...RUN, id: 3, counters: { brought: 2, edited_here: 1 } }
      ],
      total: 2,
      offset: 0
    };
    ground.server.answers['GET storages/course/history/3/files'] = {
      files: [file('lab.ipynb', 'edited_here', 'import.edited_here'), file('b.csv', 'failed')],
      total: 2,
      offset: 0
    };
    const node = await part(storage());
    button('History', node).click();
    await drawn();
    const run = button(/2 brought, 1 edited here$/, node);
    run.click();
    await drawn();
    expect(node.textContent).toContain('edited here, and left so');
    expect(node.textContent).not.toContain('Sync this now');
    run.click();
    ground.server.answers['GET storages/course/history'] = { runs: [], total: 0, offset: 0 };
  });

  it('says where there is no history, or nothing was different', async () => {
    await begin();
    ground.server.answers['GET storages/course/history'] = { runs: [], total: 0, offset: 0 };
    ground.server.answers['GET storages/b/history'] = new TypeError('away');
    ground.server.answers['GET storages/c/history'] = {
      runs: [{ ...RUN, counters: {} }],
      total: 1,
      offset: 0
    };
    ground.server.answers['GET storages/c/history/7/files'] = { files: [], total: 0, offset: 0 };
    const node = await part(storage(), storage({ name: 'b' }), storage({ name: 'c' }));
    for (const each of [...node.querySelectorAll('button')]) {
      if (each.textContent === 'History') {
        each.click();
      }
    }
    await drawn();
    expect(node.textContent).toContain('It has not run yet.');
    expect(node.textContent).toContain('could not be read');
    button(/nothing new$/, node).click();
    await drawn();
    expect(node.textContent).toContain('Nothing was different.');
  });

  it('shows how far one is, and stops it', async () => {
    await begin();
    const node = await part(
      standing({ status: 'in_progress' }, { progress: PROGRESS, next_run: null })
    );
    const bar = node.querySelector('[role=progressbar]')!;
    expect(bar.getAttribute('aria-valuetext')).toBe('3 of 12 files, 1\u00a0MB of 4\u00a0MB');
    expect(node.textContent).toContain('Runs only when you ask for it');
    expect(button('Edit…', node).disabled).toBe(true);
    button('Cancel', node).click();
    await drawn();
    expect(bodies('POST', 'storages/course/cancel')).toEqual([{}]);
    // What the server pushes is asked for; without it, time does.
    ground.server.answers['GET storages'] = { storages: [storage()] };
    ground.model.touchStorages();
    await drawn();
    expect(node.querySelector('[role=progressbar]')).toBeNull();
  });

  it('does what each state says', async () => {
    await begin();
    const pages = opened();
    const held = standing({ holds: [HOLD] }, { name: 'a' });
    const wrong = standing({ problem: problem('folder.trashed') }, { name: 'b' });
    const node = await part(
      held,
      wrong,
      storage({ name: 'c', connected: false, credentials: 'auto' }),
      storage({ name: 'd', connected: false, credentials: 'client' }),
      standing({ problem: problem('project.api_off', 'admin') }, { name: 'e' })
    );
    const press = (name: string, label: string): void =>
      button(label, node.querySelector(`[data-storage=${name}]`)!).click();
    press('a', 'Review');
    press('b', 'Edit…');
    press('c', 'Authorize Google Drive…');
    expect(pages).toEqual([
      { name: 'held', storage: held },
      { name: 'storage', storage: wrong },
      { name: 'preview' }
    ]);
    press('d', 'Authorize Google Drive…');
    expect(pages.at(-1)).toMatchObject({ name: 'permit', storage: { name: 'd' } });
    const copied: string[] = [];
    Object.assign(navigator, {
      clipboard: { writeText: (text: string) => Promise.resolve(void copied.push(text)) }
    });
    press('e', 'Copy message for admin');
    await drawn();
    expect(copied[0]).toMatch(/storage: e[\s\S]*code: project\.api_off/);
    press('b', 'Run now');
    await drawn();
    expect(bodies('POST', 'storages/b/run')).toEqual([{}]);
  });

  it('shows what the admin has set, and whose values count', async () => {
    await begin();
    const node = await part(
      storage({ name: 'a', by_admin: true, own: false, direction: 'export' }),
      storage({ name: 'b', by_admin: true })
    );
    const [first, second] = [...node.querySelectorAll('[data-storage]')];
    expect(first?.textContent).toMatch(/Copies to Drive: material → Courses\/2026/);
    expect(first?.textContent).toContain('Set by your admin');
    expect(first?.textContent).not.toContain('Remove…');
    expect(second?.textContent).toContain('in place of those of your admin');
    expect(second?.textContent).toContain('Take back my values…');
  });

  it('says that it could not be read', async () => {
    await begin();
    ground.server.answers['GET storages'] = new TypeError('away');
    const body = new PanelBody(desk);
    Widget.attach(body, document.body);
    await drawn();
    const node = body.node.querySelector('[data-name=storages]')!;
    if (node.querySelector('button')!.getAttribute('aria-expanded') === 'false') {
      node.querySelector('button')!.click();
      await drawn();
    }
    expect(node.textContent).toContain('could not be read');
  });
});

async function form(page: DialogPage = { name: 'storage' }): Promise<HTMLDialogElement> {
  const node = openDialog(desk, page);
  await drawn();
  return node;
}

function control(node: HTMLElement, label: string): HTMLInputElement {
  const named = [...node.querySelectorAll('label')].find(each => each.textContent === label);
  const found =
    (named?.htmlFor ? document.getElementById(named.htmlFor) : named?.querySelector('input')) ??
    node.querySelector(`[aria-label="${label}"]`);
  if (!(found instanceof HTMLElement)) {
    throw new Error(`no control ${label}`);
  }
  return found as HTMLInputElement;
}

async function type(node: HTMLElement, label: string, value: string): Promise<void> {
  const field = control(node, label);
  const kind =
    field instanceof HTMLSelectElement
      ? HTMLSelectElement
      : field instanceof HTMLTextAreaElement
        ? HTMLTextAreaElement
        : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, 'value')!.set!.call(field, value);
  field.dispatchEvent(
    new Event(field instanceof HTMLSelectElement ? 'change' : 'input', { bubbles: true })
  );
  await drawn();
}

async function refuse(code: string, params = {}, who: IProblem['who'] = 'user'): Promise<void> {
  ground.server.code = 409;
  ground.server.answers['POST storages'] = problem(code, who, params);
  ground.server.answers['POST validate'] = problem(code, who, params);
  ground.server.answers['POST storages/data/authorize'] = problem(code, who, params);
  await drawn();
}

describe('the form', () => {
  it('says what is missing at its field, and asks nobody', async () => {
    await begin();
    const node = await form();
    button('Save', node).click();
    await drawn();
    const name = control(node, 'Name');
    expect(name.getAttribute('aria-invalid')).toBe('true');
    const about = name.getAttribute('aria-describedby')!;
    expect(document.getElementById(about)?.textContent).toContain('at most 64 letters');
    expect(document.activeElement).toBe(name);
    expect(bodies('POST', 'storages')).toEqual([]);
  });

  it('says what the trial met at its field, keeps what was typed, and saves what works', async () => {
    await begin();
    ground.server.answers['GET storages'] = { storages: [storage({ name: 'taken' })] };
    const node = await form();
    await type(node, 'Name', 'taken');
    await type(node, 'Folder on Drive', '1wrong');
    await type(node, 'Folder here', 'material/');
    button('Save', node).click();
    await drawn();
    expect(node.textContent).toContain('There is one of that name');
    await type(node, 'Name', 'course');
    expect(node.querySelector('[role=alert]')).toBeNull();
    await refuse('folder.not_found', { folder: '1wrong', who: 'ann@uni.edu' });
    button('Save', node).click();
    await drawn();
    const folder = control(node, 'Folder on Drive');
    expect(document.activeElement).toBe(folder);
    expect(folder.value).toBe('1wrong');
    expect(node.querySelector('[role=alert]')?.textContent).toBe(
      'Google Drive shows no folder 1wrong to ann@uni.edu: either there is none, or it is not shared with that account.'
    );
    button('Save all the same', node);
    ground.server.code = 200;
    ground.server.answers['POST storages'] = storage();
    await type(node, 'Folder on Drive', '1right');
    expect(node.textContent).not.toContain('Save all the same');
    await type(node, 'Left out', ' solutions/ \n\n*.bin');
    button('Save', node).click();
    await drawn();
    expect(bodies('POST', 'storages').at(-1)).toEqual({
      name: 'course',
      local: 'material',
      drive: '1right',
      direction: 'import',
      credentials: 'auto',
      key_file: '',
      client_file: '',
      subject: '',
      schedule: '',
      includes: [],
      excludes: ['solutions/', '*.bin'],
      check: true,
      time_zone: 'UTC'
    });
    expect(node.isConnected).toBe(false);
  });

  it('keeps one that could not be tried, where the person wants that', async () => {
    await begin();
    const node = await form();
    await type(node, 'Name', 'course');
    await type(node, 'Folder on Drive', 'a');
    await type(node, 'Folder here', 'b');
    await refuse('net.offline', {}, 'wait');
    button('Check', node).click();
    await drawn();
    expect(document.activeElement?.textContent).toMatch(/^No connection/);
    ground.server.code = 200;
    button('Save all the same', node).click();
    await drawn();
    expect((bodies('POST', 'storages')[0] as { check: boolean }).check).toBe(false);
  });

  it('shows what was found, and that the server does not answer', async () => {
    await begin();
    const node = await form();
    await type(node, 'Name', 'course');
    await type(node, 'Folder on Drive', 'a');
    await type(node, 'Folder here', 'b');
    control(node, 'Copy from here to Drive').click();
    await drawn();
    ground.server.answers['POST validate'] = { account: 'a@b.c', folder: null, sample: '' };
    button('Check', node).click();
    await drawn();
    expect(node.querySelector('.jp-DriveSync-form-found')?.textContent).toMatch(
      /^It works, as a@b/
    );
    expect((bodies('POST', 'validate')[0] as { direction: string }).direction).toBe('export');
    ground.server.answers['POST validate'] = new TypeError('away');
    button('Check', node).click();
    await drawn();
    expect(node.querySelector('[role=alert]')?.textContent).toMatch(/does not answer/);
    await refuse('storage.invalid', { field: 'direction' });
    button('Check', node).click();
    await drawn();
    expect(node.querySelector('[role=radiogroup] [role=alert]')).not.toBeNull();
  });

  it('asks for what each kind of permission needs, and no more', async () => {
    await begin();
    const node = await form();
    const labels = (): string[] =>
      [...node.querySelectorAll('.jp-DriveSync-form-row > label')].map(each => each.textContent);
    expect(labels()).not.toContain('What it may see of Drive');
    await type(node, 'Whose permission', 'service_account');
    expect(labels()).toEqual(
      expect.arrayContaining(['Its key', 'Acts for', 'What it may see of Drive'])
    );
    await type(node, 'What it may see of Drive', 'drive');
    await type(node, 'Whose permission', 'adc');
    expect(labels()).not.toContain('Its key');
    expect(labels()).toContain('Acts for');
    expect(control(node, 'What it may see of Drive').value).toBe('');
    await type(node, 'Whose permission', 'client');
    expect(labels()).toContain('Client file');
    await type(node, 'Name', 'data');
    expect(node.textContent).toContain('to which you are sent after it is saved');
    await type(node, 'Folder on Drive', 'a');
    await type(node, 'Folder here', 'b');
    await type(node, 'Client file', 'client_secrets.json');
    // There is nothing to try before the permission is given.
    expect(node.textContent).not.toMatch(/Check/);
    ground.server.answers['POST storages'] = OWN;
    button('Save and authorize…', node).click();
    await drawn();
    expect(bodies('POST', 'storages')[0]).toMatchObject({
      credentials: 'client',
      client_file: 'client_secrets.json',
      check: false
    });
    // On to the page that says what Google will ask.
    expect(node.textContent).toContain('Permission for data');
  });

  it('offers the courses that a hub hands on', async () => {
    await begin();
    ground.server.answers['GET courses'] = { courses: ['biology', 'physics'] };
    const node = await form();
    control(node, 'Copy from here to Drive').click();
    await drawn();
    await type(node, 'Whose permission', 'hub');
    expect(control(node, 'Course').value).toBe('biology');
    expect(control(node, 'Copy from here to Drive').disabled).toBe(true);
    await type(node, 'Course', 'physics');
    await type(node, 'Name', 'physics');
    await type(node, 'Folder here', 'physics');
    button('Save', node).click();
    await drawn();
    expect(bodies('POST', 'storages')[0]).toMatchObject({
      credentials: 'hub',
      drive: 'physics',
      direction: 'import'
    });
    const other = await form({
      name: 'storage',
      storage: storage({ credentials: 'hub', drive: 'gone' })
    });
    expect(
      [...control(other, 'Course').querySelectorAll('option')].map(each => each.value)
    ).toEqual(['gone', 'biology', 'physics']);
    await type(other, 'Whose permission', 'auto');
    expect(control(other, 'Folder on Drive').value).toBe('');
  });

  it('offers no course where the hub is silent', async () => {
    await begin();
    ground.server.answers['GET courses'] = new TypeError('away');
    expect((await form()).querySelector('option[value=hub]')).toBeNull();
  });

  it('changes one, with its schedule in words', async () => {
    await begin();
    const one = storage({
      by_admin: true,
      own: false,
      credentials: 'broker',
      scope: 'drive.file',
      key_file: ''
    });
    ground.server.answers['PUT storages/course'] = one;
    const node = await form({ name: 'storage', storage: one });
    expect(node.textContent).toContain('Set by your admin. What you save here counts instead');
    expect(control(node, 'Name').readOnly).toBe(true);
    expect(control(node, 'Whose permission').value).toBe('broker');
    await type(node, 'By itself', 'weekly');
    await type(node, 'Day of the week', '3');
    await type(node, 'Time', '06:30');
    await type(node, 'Time', '');
    await type(node, 'Only these', '*.ipynb');
    button('Save', node).click();
    await drawn();
    expect(bodies('PUT', 'storages/course')[0]).toMatchObject({
      schedule: '30 6 * * 3',
      includes: ['*.ipynb'],
      excludes: ['solutions/'],
      check: true
    });
  });

  it('takes a cron expression too, and shows the refusal there', async () => {
    await begin();
    const node = await form();
    await type(node, 'Name', 'course');
    await type(node, 'Folder on Drive', 'a');
    await type(node, 'Folder here', 'b');
    await type(node, 'By itself', 'other');
    await type(node, 'Cron expression', 'x');
    await refuse('storage.invalid', { field: 'schedule' });
    button('Save', node).click();
    await drawn();
    const row = control(node, 'By itself').closest('.jp-DriveSync-form-row');
    expect(row?.querySelector('[role=alert]')?.textContent).toMatch(/What the server said/);
    expect(node.textContent).not.toContain('Save all the same');
  });
});

describe('removing one', () => {
  it('says what stays, and does it', async () => {
    await begin();
    ground.server.answers['DELETE storages/course'] = { name: 'course' };
    const node = await form({ name: 'forget', storage: storage() });
    expect(node.textContent).toContain('Files stay, here and on Drive.');
    expect(document.activeElement?.textContent).toBe('Cancel');
    button('Remove', node).click();
    await drawn();
    expect(ground.server.routes()).toContain('DELETE storages/course');
  });

  it('says why it did not work', async () => {
    await begin();
    ground.server.answers['DELETE storages/course'] = new TypeError('away');
    const node = await form({ name: 'forget', storage: storage({ by_admin: true }) });
    button('Take back my values', node).click();
    await drawn();
    expect(node.textContent).toContain('does not answer');
    expect(node.isConnected).toBe(true);
    expect(toasts()).toEqual([]);
  });
});

describe('the permission of one with a client of its own', () => {
  const asked = { flow: 'browser' as const, url: 'https://google/consent', user_code: '' };
  const consent = (state: 'waiting' | 'failed' | 'connected', name = 'data'): unknown =>
    status({
      seq: ground.server.asked.length + 2,
      consent: {
        ...asked,
        storage: name,
        state,
        url: '',
        expires: 1,
        problem: state === 'failed' ? problem('auth.denied') : null
      }
    });
  const told = async (state: 'waiting' | 'failed' | 'connected', name?: string): Promise<void> => {
    ground.server.answers['GET status'] = consent(state, name);
    await ground.model.refresh();
    await drawn();
  };
  const tab = { opener: window, location: { href: '' }, close: jest.fn() };
  let window_: jest.SpyInstance;

  beforeEach(() => {
    window_ = jest.spyOn(window, 'open').mockReturnValue(tab as never);
  });
  afterEach(() => window_.mockRestore());

  it('is asked for at Google, and given', async () => {
    await begin();
    const pages = opened();
    const node = await form({ name: 'permit', storage: OWN });
    expect(node.textContent).toContain('Everything, to read');
    expect(document.activeElement?.textContent).toBe('Continue to Google');
    ground.server.answers['POST storages/data/authorize'] = { ...asked, expires: 1 };
    ground.server.answers['GET status'] = consent('waiting');
    button('Continue to Google', node).click();
    await drawn();
    expect(tab).toMatchObject({ opener: null, location: { href: asked.url } });
    expect(node.textContent).toContain('Waiting for Google…');
    const before = ground.model.storagesTurn;
    await told('connected');
    expect(ground.model.storagesTurn).toBeGreaterThan(before);
    expect(pages.at(-1)).toEqual({ name: 'details' });
  });

  it('is asked for again after a no, or when something else was asked meanwhile', async () => {
    await begin();
    const node = await form({ name: 'permit', storage: OWN });
    ground.server.answers['POST storages/data/authorize'] = { ...asked, expires: 1 };
    ground.server.answers['GET status'] = consent('waiting');
    button('Continue to Google', node).click();
    await drawn();
    await told('failed');
    expect(node.textContent).toContain('Not connected');
    button('Try again', node).click();
    await drawn();
    expect(node.textContent).toContain('Permission for data');
    button('Continue to Google', node).click();
    await drawn();
    await told('connected', 'another');
    expect(node.textContent).toContain('no longer open');
  });

  it('says what is wrong with the client, and leads to where it is mended', async () => {
    await begin();
    const node = await form({ name: 'permit', storage: OWN });
    await refuse('client_file.invalid', { path: 'own.json', problem: 'it is not there' });
    button('Continue to Google', node).click();
    await drawn();
    expect(node.querySelector('[role=alert]')?.textContent).toBe(
      'The client file own.json cannot be used: it is not there.'
    );
    expect(tab.close).toHaveBeenCalled();
    button('Edit…', node).click();
    await drawn();
    expect(control(node, 'Client file').value).toBe('client_secrets.json');
  });

  it.each<[string, Partial<IStorage>, string, string]>([
    ['stays', { connected: true }, 'By itself', 'Save'],
    [
      'is asked for anew with another file',
      { connected: true },
      'Client file',
      'Save and authorize…'
    ],
    ['is asked for anew where there is none', {}, 'By itself', 'Save and authorize…'],
    [
      'is asked for where another was used',
      { connected: true, credentials: 'auto' },
      'Whose permission',
      'Save and authorize…'
    ]
  ])('%s', async (_, change, label, save) => {
    await begin();
    const node = await form({ name: 'storage', storage: { ...OWN, ...change } });
    if (label === 'Client file') {
      await type(node, label, 'other.json');
    } else if (label === 'Whose permission') {
      await type(node, label, 'client');
    }
    expect(button(save, node)).not.toBeNull();
  });
});

describe('what one holds', () => {
  it('is shown by folder, and moved to the trash when the person is sure', async () => {
    await begin();
    ground.server.answers['GET storages/course/holds/h1/files'] = HELD;
    ground.server.answers['POST storages/course/release'] = { files: 1, job: 'x' };
    const node = await form({ name: 'held', storage: standing({ holds: [HOLD] }) });
    expect(node.textContent).toContain('Storage course');
    const boxes = [...node.querySelectorAll<HTMLInputElement>('input[type=checkbox]')];
    expect(boxes.length).toBeGreaterThan(1);
    boxes[0]!.click();
    await drawn();
    button(/to Drive's trash$/, node).click();
    await drawn();
    expect(bodies('POST', 'storages/course/release')).toEqual([]);
    expect(node.textContent).toMatch(/30 days to undo it/);
    expect(document.activeElement?.textContent).toBe('Back');
    button(/to Drive's trash$/, node).click();
    await drawn();
    const [body] = bodies('POST', 'storages/course/release') as {
      choice: string;
      paths: string[];
    }[];
    expect(body?.choice).toBe('trash');
    expect(body?.paths.length).toBeGreaterThan(0);
  });

  it('is answered, the safe choice first', async () => {
    await begin();
    ground.server.answers['POST storages/course/release'] = { files: 3, job: 'x' };
    const node = await form({ name: 'held', storage: standing({ holds: [HOLD] }) });
    const choices = [...node.querySelectorAll('.jp-DriveSync-choices button')];
    expect(choices.map(each => each.textContent)).toEqual([
      'Keep on Drive only',
      "Move 3 files to Drive's trash"
    ]);
    button('Keep on Drive only', node).click();
    await drawn();
    expect(bodies('POST', 'storages/course/release')).toEqual([{ id: 'h1', choice: 'keep' }]);
  });

  it('is nothing where all was answered', async () => {
    await begin();
    const node = await form({ name: 'held', storage: storage() });
    expect(node.querySelector('.jp-DriveSync-choices')).toBeNull();
  });
});
