/** The versions of a file: what is shown, and what each button does, step by step. */
import type { IDifference, IStatus, IVersionJob } from '../src/contract';
import { Desk } from '../src/desk';
import { openDialog } from '../src/dialog';
import { Toasts } from '../src/toasts';
import { LOOK } from '../src/versions';
import { file, Ground, hours, settle, status, trans } from './fixtures';
import { withDialogs } from './stage';

const VERSIONS = {
  path: 'course/Lab.ipynb',
  link: 'https://drive.google.com/file/d/1/view',
  trashed: false,
  kept: 1,
  most_kept: 200,
  versions: [
    { id: 'r3', time: hours(-1), size: 1300, author: 'Ann', kept: false, current: true },
    { id: 'r2', time: hours(-30), size: 1200, author: 'Ann', kept: false, current: false },
    { id: 'r1', time: hours(-300), size: 1100, author: 'Bob', kept: true, current: false }
  ]
};

const CHANGES: IDifference = {
  path: 'course/Lab.ipynb',
  revision: 'r2',
  how: 'text',
  here: true,
  lines: [
    { sign: '@', text: '@@ -1,2 +1,2 @@' },
    { sign: '', text: 'a = 1' },
    { sign: '-', text: 'b = 2' },
    { sign: '+', text: 'b = 3' }
  ],
  lines_more: 12
};

let ground: Ground;
let dialog: HTMLDialogElement;
/** What the jobs end with, in their order. */
let ends: Partial<IVersionJob>[];

async function drawn(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) {
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

async function open(versions: unknown = VERSIONS, change: Partial<IStatus> = {}): Promise<void> {
  ground = new Ground();
  ends = [];
  let jobs = 0;
  const begin = (): unknown => {
    jobs += 1;
    return { job: `b${jobs}`, already: false };
  };
  Object.assign(ground.server.answers, {
    'GET versions': versions,
    'GET difference': CHANGES,
    'POST versions': begin,
    'POST restore': begin,
    'POST sync': { job: 'j2', already: false },
    'GET restore': () => ({
      last: { job: `b${jobs}`, kind: 'x', running: false, problem: null, ...ends[jobs - 1] }
    })
  });
  const model = await ground.start(status(change));
  const desk = new Desk(model, trans, new Toasts());
  dialog = openDialog(desk, { name: 'versions', path: 'course/Lab.ipynb' });
  await drawn();
}

function button(name: string): HTMLButtonElement {
  return [...dialog.querySelectorAll('button')].find(each => each.textContent === name)!;
}

async function press(name: string): Promise<void> {
  button(name).click();
  await drawn();
}

function told(): string {
  return dialog.querySelector('.jp-DriveSync-told')?.textContent ?? '';
}

function choose(at: number): void {
  dialog.querySelectorAll<HTMLInputElement>('input[type=radio]')[at]!.click();
}

withDialogs();

beforeEach(() => jest.spyOn(Date, 'now').mockReturnValue(hours(0) * 1000));
afterEach(() => {
  dialog.close();
  ground.model.dispose();
  jest.restoreAllMocks();
});

describe('Versions', () => {
  it('lists them, the one before the current chosen', async () => {
    await open();
    expect(dialog.querySelector('h2')!.textContent).toBe('Versions of Lab.ipynb');
    const rows = [...dialog.querySelectorAll('.jp-DriveSync-versions label')].map(
      row => row.textContent
    );
    expect(rows[0]).toContain('1.3\u00a0KB');
    expect(rows[0]).toContain('current on Drive');
    expect(rows[1]).toMatch(/^yesterday/);
    expect(rows[2]).toContain('Bob');
    expect(rows[2]).toContain('kept for good');
    const chosen = [...dialog.querySelectorAll('input')].map(input => input.checked);
    expect(chosen).toEqual([false, true, false]);
  });

  it('shows what changed since', async () => {
    await open();
    await press('See changes');
    expect(ground.server.routes()).toContain('GET difference?path=course%2FLab.ipynb&revision=r2');
    const lines = [...dialog.querySelectorAll('.jp-DriveSync-difference > div')];
    expect(lines.map(line => line.textContent)).toEqual([
      '@@ -1,2 +1,2 @@',
      'a = 1',
      '-removedb = 2',
      '+addedb = 3'
    ]);
    expect(dialog.textContent).toContain('12 more lines are not shown.');
    expect(dialog.textContent).toContain('to the file as it is here');
    choose(2);
    await drawn();
    expect(dialog.querySelector('.jp-DriveSync-difference')).toBeNull();
  });

  it.each([
    ['same', 'It is the same'],
    ['binary', 'It is no text'],
    ['large', 'It is too large']
  ] as const)('says what cannot be shown: %s', async (how, said) => {
    await open();
    ground.server.answers['GET difference'] = { ...CHANGES, how, lines: [] };
    await press('See changes');
    expect(dialog.textContent).toContain(said);
  });

  it('compares with Drive where the file is gone here', async () => {
    await open();
    ground.server.answers['GET difference'] = { ...CHANGES, here: false, lines_more: 1 };
    await press('See changes');
    expect(dialog.textContent).toContain('to the current one on Drive');
    expect(dialog.textContent).toContain('1 more line is not shown.');
  });

  it('brings a copy', async () => {
    await open();
    const copy = file('course/Lab.ipynb', 'beside', 'beside', { name: 'Lab (from Drive).ipynb' });
    ends = [{ result: { files: [copy] } }];
    await press('Bring back as a copy');
    expect(ground.server.asked.find(({ method }) => method === 'POST')?.body).toEqual({
      paths: ['course/Lab.ipynb'],
      revision: 'r2'
    });
    expect(told()).toBe('The copy is here: Lab (from Drive).ipynb');
    ends = [{}, { result: { files: [file('course/Lab.ipynb', 'restored')] } }];
    await press('Bring back as a copy');
    expect(told()).toBe('It is here again: Lab.ipynb');
    ends = [{}, {}, { result: { files: [file('a', 'skipped', 'skipped.no_content')] } }];
    await press('Bring back as a copy');
    expect(told()).toBe('not brought back: Drive has no content of it');
  });

  it('puts one back in place: up first, then on Drive, then here', async () => {
    await open();
    await press('Put back in place…');
    expect(dialog.textContent).toContain('What is current is kept for good on Drive first.');
    await press('Cancel');
    await press('Put back in place…');
    ends = [{}, { result: { files: [file('course/Lab.ipynb', 'restored')] } }];
    await press('Put back');
    const posts = ground.server.asked.filter(({ method }) => method === 'POST');
    expect(posts.map(({ url, body }) => [url.split('/api/')[1], body])).toEqual([
      ['sync', { paths: ['course/Lab.ipynb'] }],
      ['versions', { path: 'course/Lab.ipynb', revision: 'r2', action: 'put_back' }],
      ['restore', { paths: ['course/Lab.ipynb'] }],
      ['sync', { paths: ['course/Lab.ipynb'] }]
    ]);
    expect(told()).toMatch(/^It is the current version now/);
  });

  it('says where it came when the file was changed meanwhile', async () => {
    await open();
    await press('Put back in place…');
    ends = [{}, { result: { files: [file('a', 'beside', 'beside', { name: 'Lab (2).ipynb' })] } }];
    await press('Put back');
    expect(told()).toMatch(/came beside it: Lab \(2\)\.ipynb$/);
  });

  it('waits for the sync that runs', async () => {
    await open();
    await press('Put back in place…');
    ground.server.answers['GET status'] = status({ state: 'syncing', status: 'in_progress' });
    await press('Put back');
    expect(told()).toBe('Putting it back…');
    expect(ground.server.routes().filter(each => each.startsWith('POST'))).toEqual(['POST sync']);
    ground.server.answers['GET status'] = status({ seq: 5 });
    await ground.model.refresh();
    await settle();
    await drawn();
    expect(told()).toMatch(/^It is the current version now|^It is here again/);
  });

  it('keeps one for good, within the limit', async () => {
    await open();
    await press('Keep for good');
    expect(ground.server.asked.find(({ method }) => method === 'POST')?.body).toEqual({
      path: 'course/Lab.ipynb',
      revision: 'r2',
      action: 'keep'
    });
    expect(told()).toMatch(/^It is kept for good now/);
    choose(2);
    await drawn();
    expect(button('Keep for good').disabled).toBe(true);
    choose(0);
    await drawn();
    expect(button('Put back in place…').disabled).toBe(true);
  });

  it('says why no more can be kept', async () => {
    await open({ ...VERSIONS, kept: 200 });
    expect(button('Keep for good').disabled).toBe(true);
    expect(button('Keep for good').title).toMatch(/^200 versions are kept/);
  });

  it('says why a step did not work', async () => {
    await open();
    ends = [
      {
        problem: { code: 'drive.mismatch', who: 'wait', sentence: 'Differs.', params: {} }
      }
    ];
    await press('Bring back as a copy');
    expect(told()).not.toBe('');
    ground.server.answers['POST versions'] = new Error('away');
    await press('Keep for good');
    expect(told()).toMatch(/does not answer/);
  });

  it('looks again by itself where no event tells of the end', async () => {
    await open();
    let looks = 0;
    ground.server.answers['GET restore'] = () => {
      looks += 1;
      return { last: { job: 'b1', kind: 'x', running: looks < 2, problem: null } };
    };
    button('Bring back as a copy').click();
    await drawn();
    expect(told()).toBe('Bringing a copy…');
    await new Promise(resolve => setTimeout(resolve, LOOK + 50));
    await drawn();
    expect(looks).toBe(2);
    expect(told()).toBe('It is here again: Lab.ipynb');
  });

  it('says that a file is not on Drive, or that nobody answers', async () => {
    ground = new Ground();
    ground.server.answers['GET versions'] = {
      code: 'restore.not_there',
      who: 'user',
      sentence: 'There is no Lab.ipynb in the mirror on Drive.',
      params: {}
    };
    const model = await ground.start();
    ground.server.code = 400;
    dialog = openDialog(new Desk(model, trans, new Toasts()), {
      name: 'versions',
      path: 'course/Lab.ipynb'
    });
    await drawn();
    expect(dialog.textContent).toContain('Lab.ipynb is not on Drive yet.');
    ground.server.code = 200;
    ground.server.answers['GET versions'] = new Error('away');
    await press('Try again');
    expect(dialog.textContent).toContain('does not answer');
    ground.server.answers['GET versions'] = VERSIONS;
    await press('Try again');
    expect(dialog.querySelectorAll('.jp-DriveSync-versions label')).toHaveLength(3);
    const opened = jest.spyOn(window, 'open').mockReturnValue(null);
    await press('Open on Drive');
    expect(opened.mock.calls[0]![0]).toBe(VERSIONS.link);
  });
});
