/** The file browser: how its rows stand, their marks, and the menu. */
import { Notification } from '@jupyterlab/apputils';
import { DirListing, type FileBrowser, type IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { CALM, Folders, type Item } from '../src/browser/folders';
import { addToBrowser } from '../src/browser';
import { Marks, standingWords } from '../src/browser/marks';
import { ITEM_COMMANDS, Menu } from '../src/browser/menu';
import { excluding, including, ruleOf } from '../src/browser/rules';
import type { IFolder, IMark, IStatus } from '../src/contract';
import { Desk, type Page } from '../src/desk';
import { Toasts } from '../src/toasts';
import { file, Ground, hours, settle, status, trans } from './fixtures';

const TIME = '2026-11-21T10:00:00.123456Z';
const COPIED = Date.parse(TIME);

function mark(path: string, outcome: IMark['outcome'], code = '', folder = false): IMark {
  return { ...file(path, outcome, code, { rule: '*.bin (excludes)' }), outcome, folder };
}

const FOLDER: IFolder = {
  path: 'course',
  known: true,
  left_out: null,
  mirrored: [
    ['same.txt', 100, COPIED],
    ['touched.txt', 100, COPIED - 2],
    ['grown.txt', 99, COPIED],
    ['newer.txt', 100, COPIED],
    ['failed.txt', 100, COPIED],
    ['again.txt', 100, COPIED]
  ],
  marks: [
    mark('course/newer.txt', 'newer_on_drive'),
    mark('course/failed.txt', 'failed', 'file.changed'),
    mark('course/again.txt', 'waiting', 'file.changed'),
    mark('course/big.bin', 'left_out', 'left_out.excluded'),
    mark('course/declined.txt', 'declined'),
    mark('course/sub', 'waiting', '', true),
    mark('course/keys', 'left_out', 'left_out.secret', true)
  ]
};

function item(name: string, more: Partial<Item> = {}): Item {
  return { name, path: `course/${name}`, type: 'file', size: 100, last_modified: TIME, ...more };
}

function folder(name: string): Item {
  return item(name, { type: 'directory', size: undefined });
}

let ground: Ground;
let shown: string[];
let folders: Folders;

async function begin(change: Partial<IStatus> = {}, answer: unknown = FOLDER): Promise<void> {
  ground = new Ground();
  ground.server.answers['GET folder'] = answer;
  shown = ['course'];
  const model = await ground.start(status(change));
  const local = (path: string): string | null => (path.startsWith('s3:') ? null : path);
  folders = new Folders(model, local, () => shown);
  folders.look();
  await settle();
}

function shape(each: Item): string | null {
  return folders.standing(each)?.shape ?? null;
}

function asked(): number {
  return ground.server.asked.filter(({ url }) => url.includes('/folder')).length;
}

/** Lets the server say something new. */
async function news(change: Partial<IStatus>): Promise<void> {
  ground.server.answers['GET status'] = status(change);
  await ground.model.refresh();
  await jest.advanceTimersByTimeAsync(CALM);
  await settle();
}

beforeEach(() => jest.useFakeTimers({ doNotFake: ['performance'] }));
afterEach(() => {
  folders?.dispose();
  ground?.model.dispose();
  Notification.manager.dismiss();
  jest.useRealTimers();
});

describe('Folders', () => {
  it('judges a file by what was copied, to the millisecond', async () => {
    await begin();
    expect(shape(item('same.txt'))).toBe('synced');
    expect(shape(item('touched.txt'))).toBe('waiting');
    expect(shape(item('grown.txt'))).toBe('waiting');
    expect(shape(item('same.txt', { last_modified: '' }))).toBe('synced');
    expect(shape(item('same.txt', { size: undefined }))).toBe('synced');
    expect(shape(item('newer.txt'))).toBe('newer');
    // An edit here goes up, whatever is there.
    expect(shape(item('newer.txt', { size: 7 }))).toBe('waiting');
    expect(shape(item('failed.txt'))).toBe('failed');
    // A sync could not do it once: the next one tries again.
    expect(shape(item('again.txt'))).toBe('waiting');
    expect(standingWords(folders.standing(item('again.txt'))!, trans)).toBe(
      'not synced this time, tried again at the next sync: changed while it was read; next time'
    );
    expect(shape(item('big.bin'))).toBe('left_out');
    expect(shape(item('declined.txt'))).toBe('left_out');
    expect(shape(folder('sub'))).toBe('waiting');
    expect(shape(folder('plain'))).toBeNull();
    expect(asked()).toBe(1);
  });

  it('asks once for each new name: a rule may leave it out', async () => {
    await begin();
    expect(shape(item('new.txt'))).toBe('waiting');
    expect(shape(item('new2.txt'))).toBe('waiting');
    await jest.advanceTimersByTimeAsync(CALM);
    expect(asked()).toBe(2);
    expect(shape(item('new.txt'))).toBe('waiting');
    await jest.advanceTimersByTimeAsync(10 * CALM);
    expect(asked()).toBe(2);
  });

  it('says nothing where nothing is known', async () => {
    await begin({ connected: false });
    expect(asked()).toBe(0);
    await begin({ last_sync: null });
    expect(shape(item('same.txt'))).toBeNull();
    await begin({ root: null });
    expect(shape(item('same.txt'))).toBeNull();
    await begin({}, { ...FOLDER, known: false, mirrored: [], marks: [] });
    expect(shape(item('same.txt'))).toBeNull();
    await begin();
    expect(shape(item('same.txt', { path: 's3:course/same.txt' }))).toBeNull();
    expect(shape(item('same.txt', { path: 'elsewhere/same.txt' }))).toBeNull();
  });

  it('knows where the file browser begins below the home', async () => {
    await begin({ root: 'work' });
    expect(folders.home('course/a')).toBe('work/course/a');
    expect(folders.home('')).toBe('work');
    expect(ground.server.routes()).toContain('GET folder?path=work%2Fcourse');
  });

  it('marks all of a folder that is left out', async () => {
    const left_out = file('course', 'left_out', 'left_out.excluded', { rule: '/course/' });
    await begin({}, { ...FOLDER, left_out, mirrored: [], marks: [] });
    expect(shape(item('same.txt'))).toBe('left_out');
    expect(shape(folder('sub'))).toBe('left_out');
  });

  it('asks again when the server says that something changed, not while it syncs', async () => {
    await begin();
    let told = 0;
    folders.changed.connect(() => (told += 1));
    await news({ seq: 2, state: 'syncing', status: 'in_progress' });
    await news({ seq: 3, state: 'syncing', status: 'in_progress' });
    expect(asked()).toBe(1);
    await news({ seq: 4 });
    expect([asked(), told]).toEqual([2, 1]);
    await news({ seq: 4 });
    expect(asked()).toBe(2);
  });

  it('forgets folders out of view when they may be stale, and asks when they are seen', async () => {
    await begin();
    shown = ['other'];
    folders.look();
    await settle();
    expect(asked()).toBe(2);
    shown = ['course'];
    folders.look();
    expect(asked()).toBe(2);
    shown = ['other'];
    await news({ seq: 9 });
    expect(asked()).toBe(3);
    shown = ['course'];
    folders.look();
    await settle();
    expect(asked()).toBe(4);
  });

  it('keeps the last word while the server is away, and drops what is gone', async () => {
    await begin();
    ground.server.answers['GET folder'] = new Error('away');
    folders.again();
    await jest.advanceTimersByTimeAsync(CALM);
    expect(shape(item('same.txt'))).toBe('synced');
    expect(shape(item('same.txt', { size: 1 }))).toBe('waiting');
    ground.server.answers['GET folder'] = {
      code: 'request.unknown',
      who: 'user',
      sentence: 'There is no folder course.',
      params: {}
    };
    ground.server.code = 404;
    folders.again();
    await jest.advanceTimersByTimeAsync(CALM);
    expect(shape(item('same.txt'))).toBeNull();
  });

  it('looks at 10,000 rows in a moment', async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => `file ${n}.txt`);
    await begin({}, { ...FOLDER, mirrored: many.map(name => [name, 100, COPIED]), marks: [] });
    const begun = performance.now();
    const shapes = new Set(many.map(name => shape(item(name))));
    expect(performance.now() - begun).toBeLessThan(500);
    expect([...shapes]).toEqual(['synced']);
    expect(asked()).toBe(1);
  });

  it('asks for nothing once it is disposed', async () => {
    await begin();
    folders.dispose();
    folders.again();
    await jest.advanceTimersByTimeAsync(CALM);
    expect([folders.isDisposed, asked()]).toEqual([true, 1]);
  });
});

/** A file browser of the test: a list whose rows are drawn as Jupyter draws them. */
function browserOf(path: string, items: Item[], renderer: DirListing.IRenderer) {
  const contentNode = document.createElement('ul');
  const rows = items.map(() => {
    const row = document.createElement('li');
    const name = document.createElement('span');
    name.className = 'jp-DirListing-itemText';
    row.append(name);
    contentNode.append(row);
    return row;
  });
  const listing = {
    renderer,
    contentNode,
    draws: 0,
    update(): void {
      listing.draws += 1;
      rows.forEach((row, at) => {
        if (items[at]) {
          renderer.updateItemNode(row, items[at] as never);
        }
      });
    }
  };
  const model = { path, pathChanged: new Signal<object, unknown>({}) };
  return { browser: { listing, model } as unknown as FileBrowser, listing, rows, items, model };
}

/** Draws rows as Jupyter does, as far as matters here. */
class Plain {
  updateItemNode(node: HTMLElement, model: { name: string }): void {
    node.title = `Name: ${model.name}`;
  }
  getNameNode(node: HTMLElement): HTMLElement {
    return node.firstElementChild as HTMLElement;
  }
}

function trackerOf(...browsers: FileBrowser[]) {
  return {
    currentWidget: browsers[0] ?? null,
    forEach: (each: (browser: FileBrowser) => void) => browsers.forEach(each),
    widgetAdded: new Signal<object, FileBrowser>({}),
    add(browser: FileBrowser): void {
      browsers.push(browser);
      this.widgetAdded.emit(browser);
    }
  };
}

describe('Marks', () => {
  let plain: Plain;
  let made: ReturnType<typeof browserOf>;
  let marks: Marks;
  let tracker: ReturnType<typeof trackerOf>;

  async function draw(...items: Item[]): Promise<void> {
    await begin();
    plain = new Plain();
    made = browserOf('course', items, plain as never);
    tracker = trackerOf(made.browser);
    marks = new Marks(folders, tracker as never, trans);
    await settle();
  }

  afterEach(() => marks.dispose());

  it('draws only what is not plainly synced, and says why', async () => {
    await draw(item('same.txt'), item('touched.txt'), item('failed.txt'), item('big.bin'));
    expect(made.rows.map(row => row.dataset.driveSync)).toEqual([
      undefined,
      'waiting',
      'failed',
      'left_out'
    ]);
    expect(made.rows.map(row => row.firstElementChild?.getAttribute('aria-description'))).toEqual([
      null,
      'Google Drive: waits for the next sync',
      'Google Drive: not synced: changed while it was read; next time',
      'Google Drive: left out: excluded by your rule "*.bin"'
    ]);
    expect(made.rows[0]!.title).toBe('Name: same.txt');
    expect(made.rows[1]!.title).toContain('Name: touched.txt\n');
    expect(made.rows[1]!.title).toContain('Google Drive: waits for the next sync');
  });

  it('lets no mark stay on a row that is used for another file', async () => {
    await draw(item('touched.txt'));
    plain.updateItemNode(made.rows[0]!, item('same.txt'));
    expect(made.rows[0]!.dataset.driveSync).toBeUndefined();
    expect(made.rows[0]!.firstElementChild?.hasAttribute('aria-description')).toBe(false);
    expect(made.rows[0]!.title).toBe('Name: same.txt');
  });

  it('draws rows anew when more is known, without an update of the list', async () => {
    await draw(item('same.txt'));
    const draws = made.listing.draws;
    ground.server.answers['GET folder'] = {
      ...FOLDER,
      marks: [mark('course/same.txt', 'failed', 'drive.mismatch')]
    };
    await news({ seq: 2 });
    expect(made.rows[0]!.dataset.driveSync).toBe('failed');
    expect(made.listing.draws).toBe(draws);
  });

  it('neither updates the list nor asks anything while a sync tells how far it is', async () => {
    await draw(item('same.txt'), item('touched.txt'));
    const before = [made.listing.draws, asked()];
    for (let done = 1; done <= 40; done += 1) {
      await news({
        seq: 1 + done,
        state: 'syncing',
        status: 'in_progress',
        progress: {
          phase: 'copying',
          done,
          total: 40,
          bytes_done: done,
          bytes_total: 40,
          eta_seconds: null,
          slowed: false
        }
      });
    }
    expect([made.listing.draws, asked()]).toEqual(before);
    await news({ seq: 42, state: 'synced', status: 'completed', progress: null });
    expect([made.listing.draws, asked()]).toEqual([before[0], Number(before[1]) + 1]);
  });

  it('draws checks where that is wanted, or nothing', async () => {
    await draw(item('same.txt'), item('newer.txt'), item('declined.txt'));
    marks.draw('all');
    expect(made.rows.map(row => row.dataset.driveSync)).toEqual(['synced', 'newer', 'left_out']);
    expect(made.rows[2]!.title).toContain('removed on Drive twice, left there');
    marks.draw('none');
    expect(made.rows.map(row => row.dataset.driveSync)).toEqual([undefined, undefined, undefined]);
  });

  it('marks other browsers too, and looks at another folder when one goes there', async () => {
    await draw(item('same.txt'));
    const second = browserOf('course', [item('touched.txt')], new Plain() as never);
    tracker.add(second.browser);
    expect(second.rows[0]!.dataset.driveSync).toBe('waiting');
    shown = ['other'];
    second.model.pathChanged.emit({});
    await settle();
    expect(asked()).toBe(2);
  });

  it('leaves the renderers as they were', async () => {
    await draw(item('touched.txt'));
    const wrapped = DirListing.defaultRenderer.updateItemNode;
    marks.dispose();
    marks.dispose();
    expect(marks.isDisposed).toBe(true);
    expect(plain.updateItemNode).toBe(Plain.prototype.updateItemNode);
    expect(DirListing.defaultRenderer.updateItemNode).not.toBe(wrapped);
    expect(made.rows[0]!.dataset.driveSync).toBeUndefined();
    const own = { updateItemNode: jest.fn(), getNameNode: () => null };
    const third = browserOf('course', [item('touched.txt')], own as never);
    marks = new Marks(folders, trackerOf(third.browser) as never, trans);
    expect(third.rows[0]!.dataset.driveSync).toBe('waiting');
    marks.dispose();
    expect(third.listing.renderer.updateItemNode).toBe(own.updateItemNode);
  });
});

describe('rules', () => {
  it('means one path alone', () => {
    expect(ruleOf({ path: 'a/b.txt', folder: false })).toBe('/a/b.txt');
    expect(ruleOf({ path: 'a [1]/*?', folder: true })).toBe('/a \\[1\\]/\\*\\?/');
    expect(ruleOf({ path: 'end ', folder: false })).toBe('/end\\ ');
    expect(ruleOf({ path: '#a', folder: false })).toBe('/#a');
  });

  it('takes away what says the opposite', () => {
    const data = { path: 'data', folder: true };
    expect(excluding(['*.bin', '!/data/'], [data])).toEqual(['*.bin', '/data/']);
    expect(excluding(['/data/'], [data])).toEqual(['/data/']);
    expect(including(['/data/', '*.bin'], [data])).toEqual(['*.bin']);
    expect(including(['/data'], [data])).toEqual([]);
    expect(including(['*.bin'], [{ path: 'a.bin', folder: false }])).toEqual(['*.bin', '!/a.bin']);
  });
});

describe('Menu', () => {
  let commands: CommandRegistry;
  let desk: Desk;
  let selected: Item[];
  let pages: Page[];

  async function add(change: Partial<IStatus> = {}, ...items: Item[]): Promise<void> {
    await begin(change);
    Object.assign(ground.server.answers, {
      'GET settings': { excludes: ['*.bin'], by_admin: [] },
      'PATCH settings': { excludes: [] },
      'POST sync': { job: 'j2', already: false },
      'GET object': { path: 'course/same.txt', id: '1', link: 'https://d/1', colab: 'https://c/1' }
    });
    desk = new Desk(ground.model, trans, new Toasts());
    pages = [];
    desk.opened.connect((_, page) => pages.push(page));
    selected = items;
    commands = new CommandRegistry();
    new Menu(desk, folders, () => selected).add(commands);
  }

  function entries(): string[] {
    return Object.values(ITEM_COMMANDS)
      .filter(id => commands.isVisible(id))
      .map(id => `${commands.isEnabled(id) ? '' : '- '}${commands.label(id)}`);
  }

  async function run(id: string): Promise<void> {
    await commands.execute(id);
    await settle();
  }

  function toast(): { message: string; labels: string[]; press: (label: string) => void } {
    const last = Notification.manager.notifications.at(-1)!;
    const actions = last.options.actions ?? [];
    return {
      message: last.message,
      labels: actions.map(action => action.label),
      press: label => actions.find(action => action.label === label)!.callback({} as never)
    };
  }

  const LAB = item('Lab.ipynb', { type: 'notebook' });

  it('offers what can be done, and why something cannot', async () => {
    await add({}, LAB);
    expect(entries()).toEqual([
      'Open in Google Drive',
      'Open in Colab',
      'Copy link',
      'Sync this now',
      'Versions…',
      'Exclude'
    ]);
    selected = [folder('sub')];
    expect(entries()).toEqual(['Open in Google Drive', 'Copy link', 'Sync this now', 'Exclude']);
    selected = [LAB, item('same.txt')];
    expect(entries()).toEqual([
      '- Open in Google Drive (one at a time)',
      '- Copy link (one at a time)',
      'Sync this now',
      '- Versions… (one at a time)',
      'Exclude'
    ]);
    selected = [item('big.bin')];
    expect(entries()).toContain('- Sync this now (left out)');
    expect(entries()).toContain('Include');
    selected = [folder('keys')];
    expect(entries().at(-1)).toMatch(/^- Include \(keys and passwords are never copied/);
    selected = [item('x', { path: 's3:x' })];
    expect(entries()).toContain('- Exclude (nothing of your home is selected)');
  });

  it('offers to connect, and nothing else, before that', async () => {
    await add({ connected: false, last_sync: null }, LAB);
    expect(entries()).toEqual(['Authorize Google Drive…', 'Exclude']);
    await run(ITEM_COMMANDS.authorize);
    expect(pages).toEqual([{ name: 'preview' }]);
  });

  it('says why nothing is synced now', async () => {
    await add({ paused: true }, LAB);
    expect(entries()).toContain('- Sync this now (paused)');
    await add({ state: 'syncing', status: 'in_progress' }, LAB);
    expect(entries()).toContain('- Sync this now (a sync is running)');
    await add({ last_sync: null }, LAB);
    expect(entries()).toContain('- Versions… (not on Drive yet)');
    expect(entries()).toContain('- Copy link (not on Drive yet)');
  });

  it('opens on Drive and in Colab, and copies the link', async () => {
    await add({}, LAB);
    const opened = jest.spyOn(window, 'open').mockReturnValue(null);
    const copy = jest.spyOn(desk, 'copy').mockResolvedValue();
    await run(ITEM_COMMANDS.open);
    await run(ITEM_COMMANDS.colab);
    expect(opened.mock.calls.map(call => call[0])).toEqual(['https://d/1', 'https://c/1']);
    await run(ITEM_COMMANDS.link);
    expect(copy).toHaveBeenCalledWith('https://d/1');
    opened.mockRestore();
  });

  it('says that a file is not there yet, and offers to sync it', async () => {
    await add({}, LAB);
    ground.server.answers['GET object'] = { path: 'x', id: '', link: '', colab: '' };
    await run(ITEM_COMMANDS.open);
    expect(toast().message).toBe('Lab.ipynb is not on Drive yet.');
    toast().press('Sync this now');
    await settle();
    expect(ground.server.asked.find(({ url }) => url.endsWith('/sync'))?.body).toEqual({
      paths: ['course/Lab.ipynb']
    });
  });

  it('syncs what is selected, and shows its versions', async () => {
    await add({}, LAB, folder('sub'));
    await run(ITEM_COMMANDS.sync);
    expect(ground.server.asked.find(({ url }) => url.endsWith('/sync'))?.body).toEqual({
      paths: ['course/Lab.ipynb', 'course/sub']
    });
    selected = [LAB];
    await run(ITEM_COMMANDS.versions);
    expect(pages).toEqual([{ name: 'versions', path: 'course/Lab.ipynb' }]);
  });

  function patches(): unknown[] {
    return ground.server.asked.filter(({ method }) => method === 'PATCH').map(({ body }) => body);
  }

  it('excludes, and takes it back', async () => {
    await add({}, folder('sub'));
    await run(ITEM_COMMANDS.exclude);
    expect(toast().message).toBe(
      'sub is left out from now on. What is already on Drive stays there.'
    );
    toast().press('Undo');
    await settle();
    expect(patches()).toEqual([{ excludes: ['*.bin', '/course/sub/'] }, { excludes: ['*.bin'] }]);
    selected = [LAB, folder('sub')];
    await run(ITEM_COMMANDS.exclude);
    expect(toast().message).toMatch(/^2 items are left out/);
  });

  it('includes, or says which rule leaves it out all the same', async () => {
    await add({}, item('big.bin'));
    await run(ITEM_COMMANDS.exclude);
    expect(patches()).toEqual([{ excludes: ['*.bin', '!/course/big.bin'] }]);
    expect(toast().message).toBe('big.bin stays left out: excluded by your rule "*.bin".');
    ground.server.answers['GET folder'] = { ...FOLDER, marks: [] };
    await run(ITEM_COMMANDS.exclude);
    expect(toast().message).toBe('big.bin is copied from the next sync on.');
  });

  it('changes nothing that the admin has set', async () => {
    await add({}, LAB);
    ground.server.answers['GET settings'] = { excludes: [], by_admin: ['excludes'] };
    await run(ITEM_COMMANDS.exclude);
    expect(toast().message).toMatch(/^Your admin has set/);
    expect(patches()).toEqual([]);
  });

  it('stands beside the marks in a page', async () => {
    await begin();
    const made = browserOf('course', [item('touched.txt')], new Plain() as never);
    (made.browser as unknown as { selectedItems: () => Item[] }).selectedItems = () => [];
    desk = new Desk(ground.model, trans, new Toasts());
    const app = {
      commands: new CommandRegistry(),
      serviceManager: {
        contents: {
          driveName: (path: string) => (path.includes(':') ? path.split(':')[0] : ''),
          localPath: (path: string) => path.split(':').at(-1)
        }
      }
    };
    const palette = { addItem: jest.fn() };
    const factory = { tracker: trackerOf(made.browser) } as unknown as IFileBrowserFactory;
    const marks = addToBrowser(app as never, desk, factory, palette as never, () => LAB);
    await settle();
    expect(made.rows[0]!.dataset.driveSync).toBe('waiting');
    expect(palette.addItem).toHaveBeenCalledTimes(6);
    expect(app.commands.label(ITEM_COMMANDS.exclude)).toBe('Exclude');
    expect(hours(0)).toBeGreaterThan(0);
    marks.dispose();
  });
});
