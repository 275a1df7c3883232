/** Storages: how one stands in words, the panel's part, and the form. */
import { Widget } from '@lumino/widgets';
import type { IStorage } from '../src/contract';
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
import { file, NOON, trans } from './fixtures';
import {
  begin,
  bodies,
  button,
  desk,
  drawn,
  ground,
  HOLD,
  MOVED_OUT,
  opened,
  problem,
  RUN,
  staged,
  standing,
  storage
} from './stage';

const PROGRESS = {
  phase: 'copying',
  done: 3,
  total: 12,
  bytes_done: 1e6,
  bytes_total: 4e6,
  eta_seconds: null,
  slowed: false
};

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

staged();

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
    const held = standing({ holds: [MOVED_OUT] }, { name: 'a' });
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
