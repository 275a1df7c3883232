/** The panel: what it shows of each state, and what a click does. */
import { Notification } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import type { IRun } from '../src/contract';
import type { Page } from '../src/desk';
import { byDay } from '../src/panel/history';
import { PanelBody } from '../src/panel/panel';
import { Rate } from '../src/panel/rate';
import { filterWords, ownRule, ruleFor, runWords } from '../src/panel/runs';
import { Side } from '../src/panel/side';
import { file, hours, NOON, status, trans } from './fixtures';
import { begin, button, desk, drawn, ground, HOLD, RUN, SETTINGS, SPACE, toasts } from './stage';

type Details = Extract<Page, { name: 'details' }>;

async function open(page: Details = { name: 'details' }): Promise<HTMLElement> {
  const body = new PanelBody(desk);
  Widget.attach(body, document.body);
  body.turn(page, null);
  await drawn();
  return body.node;
}

/** Opens a part of the panel that is closed at first. */
async function unfold(node: HTMLElement, name: string): Promise<HTMLElement> {
  const section = node.querySelector<HTMLElement>(`[data-name=${name}]`)!;
  const head = section.querySelector('button')!;
  if (head.getAttribute('aria-expanded') === 'false') {
    head.click();
    await drawn();
  }
  return section;
}

function opened(): Page[] {
  const pages: Page[] = [];
  desk.opened.connect((_, page) => pages.push(page));
  return pages;
}

afterEach(() => {
  Notification.dismiss();
  ground.model.dispose();
  document.body.replaceChildren();
});

describe('the panel', () => {
  it('show the last sync, failed files with reasons first, and narrow the list', async () => {
    await begin();
    const node = await open();
    expect(node.textContent).toMatch(/Synced .*8 files.*5\u00a0MB sent.*12 left out/);
    const rows = [...node.querySelectorAll('.jp-DriveSync-row')].map(row => row.textContent);
    expect(rows[0]!).toMatch(/^a\/big\.binGoogle does not take more/);
    button(/^left out/, node).click();
    await drawn();
    expect(ground.server.routes()).toContain('GET history/7/files?offset=0&outcome=left_out');
    button('Leave out', node).click();
    await drawn();
    const patch = ground.server.asked.find(({ method }) => method === 'PATCH');
    expect(patch?.body).toEqual({ excludes: ['/old/', '/a/big.bin'] });
  });

  it('show progress with its name and value, and cancel', async () => {
    const progress = {
      phase: 'copying',
      done: 37,
      total: 120,
      bytes_done: 0,
      bytes_total: 0,
      eta_seconds: null,
      slowed: false
    };
    await begin({ state: 'syncing', status: 'in_progress', progress });
    const node = await open();
    const bar = node.querySelector('[role=progressbar]')!;
    expect(bar.getAttribute('aria-valuenow')).toBe('30');
    expect(bar.getAttribute('aria-valuetext')).toBe('Copying 37 of 120 files.');
    expect(node.textContent).toContain('close this tab');
    button('Cancel', node).click();
    await drawn();
    expect(ground.server.routes()).toContain('POST cancel');
  });

  it('change time zone and pause', async () => {
    await begin();
    const node = await open();
    button('Pause for a day', node).click();
    await drawn();
    const patch = ground.server.asked.find(({ method }) => method === 'PATCH');
    expect((patch?.body as { paused_until: number }).paused_until).toBeGreaterThan(1e9);
    expect(node.querySelector('select')?.disabled).toBe(false);
  });

  it('cannot be used while the server is away, and keep what was known', async () => {
    await begin();
    const node = await open();
    expect(node.querySelector('fieldset')?.disabled).toBe(false);
    jest.useFakeTimers({ doNotFake: ['performance'] });
    ground.server.answers['GET status'] = new TypeError('away');
    await ground.model.refresh();
    jest.advanceTimersByTime(3_000);
    jest.useRealTimers();
    await drawn();
    expect(node.textContent).toContain('the last known state is from');
    expect(node.querySelector('fieldset')?.disabled).toBe(true);
    expect(node.textContent).toContain('8 files');
    // What could not be asked meanwhile is asked once it is back.
    const before = ground.server.routes().filter(route => route === 'GET settings').length;
    ground.server.answers['GET status'] = status({ seq: 2 });
    await ground.model.refresh();
    await drawn();
    expect(node.querySelector('fieldset')?.disabled).toBe(false);
    expect(ground.server.routes().filter(route => route === 'GET settings').length).toBeGreaterThan(
      before
    );
  });

  it('offer neither a sync nor a plan where something has to come first', async () => {
    const problem = { code: 'auth.revoked', who: 'user' as const, sentence: '', params: {} };
    await begin({ state: 'needs_you', status: 'failed', problem });
    const node = await open();
    expect(node.textContent).toContain('Nothing new is copied until you reconnect.');
    expect(() => button('Sync now', node)).toThrow();
    ground.server.answers['GET status'] = status({
      seq: 2,
      state: 'needs_you',
      status: 'failed',
      holds: [{ ...HOLD, kind: 'root_gone' }]
    });
    await ground.model.refresh();
    await drawn();
    expect(node.textContent).toContain('Nothing is copied until you choose.');
    expect(() => button('Sync now', node)).toThrow();
  });

  it.each([
    ['user', hours(24), /Syncing goes on tomorrow|Syncing goes on /],
    ['user', -1, /No sync is planned while it is paused\./],
    ['admin', null, /No sync is planned while it is paused\./]
  ] as const)('say when a pause by the %s ends', async (paused_by, paused_until, said) => {
    await begin({ state: 'paused', paused: true, paused_by, paused_until });
    const node = await open();
    expect(node.textContent).toMatch(said);
  });

  it('say the reason of the chosen file in full', async () => {
    await begin();
    ground.server.answers['GET history/7/files'] = {
      total: 3,
      offset: 0,
      files: [
        file('a/big.bin', 'failed', 'drive.mismatch'),
        file('a/Lab3.ipynb', 'updated'),
        file('.cache', 'left_out', 'left_out.excluded', { rule: '.cache/' })
      ]
    };
    const node = await open();
    const reason = node.querySelector('.jp-DriveSync-detail')!;
    expect(reason.textContent).toMatch(/^a\/big\.bin: the copy on Drive was not identical/);
    node.querySelectorAll<HTMLElement>('.jp-DriveSync-row')[2]!.click();
    await drawn();
    expect(reason.textContent).toBe('.cache: excluded by rule ".cache/"');
    node.querySelectorAll<HTMLElement>('.jp-DriveSync-row')[1]!.click();
    await drawn();
    expect(reason.textContent).toBe('a/Lab3.ipynb: updated, 2\u00a0KB');
  });

  it('ask for the settings again when another tab has changed them', async () => {
    await begin();
    await open();
    ground.events.emit({
      schema_id: 'https://events.jupyter-drive-sync.invalid/progress/v1',
      seq: 2,
      reason: 'settings'
    } as never);
    await drawn();
    expect(ground.model.settingsTurn).toBe(1);
    expect(ground.server.routes().filter(route => route === 'GET settings')).toHaveLength(2);
  });

  it('ask for the settings again only when they may have changed', async () => {
    await begin();
    await open();
    for (const seq of [2, 3, 4]) {
      ground.server.answers['GET status'] = status({
        seq,
        state: 'syncing',
        status: 'in_progress'
      });
      await ground.model.refresh();
      await drawn();
    }
    expect(ground.server.routes().filter(route => route === 'GET settings')).toHaveLength(1);
  });

  it('say so when nothing ran yet', async () => {
    await begin({ last_sync: null, state: 'waiting' });
    ground.server.answers['GET history'] = { runs: [], total: 0, offset: 0 };
    const node = await open();
    expect(node.textContent).toContain('No syncs yet. The first begins');
    ground.server.answers['GET status'] = status({
      seq: 2,
      last_sync: null,
      state: 'syncing',
      status: 'in_progress'
    });
    await ground.model.refresh();
    await drawn();
    expect(node.textContent).toContain('This is the first one.');
  });

  it('say that nothing was left out only where that is so', async () => {
    await begin();
    ground.server.answers['GET history/7/files'] = { files: [], total: 0, offset: 0 };
    const list = (node: HTMLElement) => node.querySelector('[data-name=last]')!.textContent;
    const counted = await open();
    expect(list(counted)).toContain('None of them is listed any more.');
    expect(list(counted)).not.toContain('nothing was left out');
    document.body.replaceChildren();
    const counters = { unchanged: 5, done: 0 };
    const runs = [{ ...RUN, counters }];
    await begin();
    ground.server.answers['GET history'] = { runs, total: 1, offset: 0 };
    ground.server.answers['GET history/7/files'] = { files: [], total: 0, offset: 0 };
    expect(list(await open())).toContain('Every file was already on Drive; nothing was left out.');
  });

  it('walk the list by keys', async () => {
    await begin();
    const node = await open();
    const list = node.querySelector<HTMLElement>('.jp-DriveSync-list')!;
    for (const key of ['ArrowDown', 'End', 'PageUp', 'x']) {
      list.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    }
    await drawn();
    const rows = [...list.querySelectorAll<HTMLElement>('.jp-DriveSync-row')];
    expect(rows.map(row => row.dataset.active !== undefined)).toEqual([true, false]);
  });
});

describe('what the panel offers', () => {
  it('is a sync of the one file that failed, or to leave it out', async () => {
    await begin();
    const node = await open({ name: 'details', files: 'failed' });
    const detail = node.querySelector<HTMLElement>('.jp-DriveSync-detail')!;
    expect(detail.textContent).toContain('a/big.bin: Google does not take more');
    button('Sync this now', detail).click();
    await drawn();
    const post = ground.server.asked.find(({ url }) => url.endsWith('api/sync'));
    expect(post?.body).toEqual({ paths: ['a/big.bin'] });
  });

  it('is to copy after all what a rule of the own leaves out', async () => {
    await begin();
    ground.server.answers['GET history/7/files'] = {
      total: 1,
      offset: 0,
      files: [file('old', 'left_out', 'left_out.excluded', { rule: '/old/ (excludes)' })]
    };
    const node = await open({ name: 'details', files: 'left_out' });
    button('Copy it after all', node).click();
    await drawn();
    expect(ground.server.asked.find(({ method }) => method === 'PATCH')?.body).toEqual({
      excludes: []
    });
    expect(toasts()[0]?.message).toContain('copied from the next sync on');
  });

  it('is neither where the server refuses, or the admin has set the rules', async () => {
    await begin();
    ground.server.answers['GET settings'] = { ...SETTINGS, by_admin: ['excludes', 'time_zone'] };
    const node = await open({ name: 'details', files: 'failed' });
    expect(() => button('Leave out', node)).toThrow();
    expect(node.querySelector('select')?.disabled).toBe(true);
    expect(node.querySelector('select')?.title).toBe('set by your admin');
  });

  it('is a pause, for a day or until it is ended', async () => {
    await begin();
    const node = await open();
    button('Pause until I resume', node).click();
    await drawn();
    expect(ground.server.asked.find(({ method }) => method === 'PATCH')?.body).toEqual({
      paused_until: -1
    });
  });

  it('is whose Drive it is, how full, and the way out', async () => {
    await begin();
    const pages = opened();
    const node = await open();
    const account = await unfold(node, 'account');
    expect(account.textContent).toContain('ann@uni.edu');
    expect(account.textContent).toContain(
      '6\u00a0GB of 15\u00a0GB used · 200\u00a0MB of it in the trash'
    );
    expect(account.querySelector('[role=meter]')?.getAttribute('aria-valuenow')).toBe('40');
    const tab = jest.spyOn(window, 'open').mockReturnValue(null);
    button('Open in Google Drive', account).click();
    button('See what takes space', account).click();
    expect(tab).toHaveBeenCalledTimes(2);
    tab.mockRestore();
    button('Disconnect…', account).click();
    expect(pages).toEqual([{ name: 'disconnect' }]);
  });

  it('says so where nobody knows how full it is, or it has no limit', async () => {
    await begin();
    ground.server.answers['GET space'] = new TypeError('away');
    const node = await open();
    expect(node.textContent).toContain('How full your Drive is cannot be said right now.');
    ground.server.answers['GET space'] = { ...SPACE, limit: null, in_trash: 0 };
    const again = await open();
    expect(again.textContent).toContain('6\u00a0GB used, without a limit');
    expect(again.querySelector('[role=meter]')).toBeNull();
  });

  it('is the review of what waits', async () => {
    await begin({ state: 'needs_you', holds: [HOLD, { ...HOLD, id: 'h2' }] });
    const pages = opened();
    const node = await open();
    button('Review', node).click();
    expect(pages).toEqual([{ name: 'review', hold: 'h1' }]);
    expect(node.querySelectorAll('.jp-mod-primary')).toHaveLength(1);
  });

  it('is the history by day; a run opens to its files', async () => {
    await begin();
    const older = { ...RUN, id: 6, started: hours(-30), ended: hours(-30), counters: {} };
    const failed = {
      ...older,
      id: 5,
      outcome: 'failed',
      problem: { code: 'run.cancelled', who: 'wait', sentence: '', params: {} }
    };
    ground.server.answers['GET history'] = {
      runs: [RUN, older, failed, { ...older, id: 4, outcome: 'interrupted' }],
      total: 99,
      offset: 0
    };
    const node = await open();
    const history = await unfold(node, 'history');
    expect(history.querySelectorAll('h4')).toHaveLength(2);
    const runs = history.querySelectorAll<HTMLElement>('.jp-DriveSync-run');
    expect(runs).toHaveLength(4);
    runs[0]!.click();
    await drawn();
    expect(history.querySelectorAll('.jp-DriveSync-list')).toHaveLength(1);
    const pages = opened();
    button('Undo this sync…', history).click();
    expect(pages).toEqual([{ name: 'undo', run: 7 }]);
    button('Show older ones', history).click();
    await drawn();
    expect(ground.server.routes()).toContain('GET history?limit=60');
    runs[0]!.click();
    await drawn();
    expect(history.querySelectorAll('.jp-DriveSync-list')).toHaveLength(0);
  });

  it('says so when the history cannot be read, or is empty', async () => {
    await begin();
    const some = ground.server.answers['GET history'];
    ground.server.answers['GET history'] = () =>
      ground.server.asked.at(-1)?.url.endsWith('limit=5') ? some : new TypeError('away');
    const node = await open();
    expect((await unfold(node, 'history')).textContent).toContain('could not be read');
  });

  it('is little more than the way in before there is a connection', async () => {
    await begin({ state: 'not_connected', connected: false, account: null, link: '' });
    ground.server.answers['GET history'] = { runs: [], total: 0, offset: 0 };
    const pages = opened();
    const node = await open();
    // Closed, and for those whose folders on Drive need no connection of this home.
    const parts = [...node.querySelectorAll<HTMLElement>('.jp-DriveSync-section')];
    expect(parts.map(part => part.dataset.name)).toEqual(['storages']);
    button('Authorize Google Drive…', node).click();
    expect(pages).toEqual([{ name: 'preview' }]);
  });

  it('draws nothing anew for progress but the head', async () => {
    const running = { state: 'syncing' as const, status: 'in_progress' as const, job: 'j2' };
    await begin(running);
    await open();
    const asked = ground.server.routes().length;
    for (let seq = 2; seq < 8; seq += 1) {
      ground.events.emit({
        schema_id: 'https://events.jupyter-drive-sync.invalid/progress/v1',
        ...running,
        seq,
        reason: 'progress',
        phase: 'copying',
        done: seq,
        total: 100
      } as never);
    }
    await drawn();
    expect(document.querySelector('h2')?.textContent).toContain('7 of 100');
    expect(ground.server.routes()).toHaveLength(asked);
  });
});

describe('a list of ten thousand', () => {
  beforeEach(async () => {
    await begin();
    ground.server.answers['GET history/7/files'] = () => {
      const offset = Number(/offset=(\d+)/.exec(ground.server.asked.at(-1)!.url)![1]);
      const files = Array.from({ length: 500 }, (_, at) =>
        file(`data/${offset + at}.csv`, 'updated')
      );
      return { total: 10_000, offset, files };
    };
  });

  it('draws what is seen, asks for what is needed, and is walked by keys', async () => {
    const node = await open();
    const list = node.querySelector<HTMLElement>('.jp-DriveSync-list')!;
    expect(list.querySelectorAll('[role=listitem]').length).toBeLessThan(60);
    expect(list.firstElementChild).not.toBeNull();
    const press = async (key: string): Promise<void> => {
      list.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      await drawn();
    };
    for (const [key, position] of [
      ['ArrowDown', 2],
      ['PageDown', 12],
      ['PageUp', 2],
      ['ArrowUp', 1],
      ['ArrowUp', 1],
      ['x', 1],
      ['End', 10_000]
    ] as const) {
      await press(key);
      const active = list.querySelector('[data-active]')!;
      expect(active.getAttribute('aria-posinset')).toBe(String(position));
      expect(active.getAttribute('aria-setsize')).toBe('10000');
      expect(active.getAttribute('tabindex')).toBe('0');
    }
    expect(document.activeElement?.textContent).toContain('data/9999.csv');
    expect(ground.server.routes()).toContain('GET history/7/files?offset=9500');
    expect(list.querySelectorAll('[role=listitem]').length).toBeLessThan(60);
    await press('Home');
    expect(list.scrollTop).toBe(0);
    list.scrollTop = 5_000 * 25;
    list.dispatchEvent(new Event('scroll'));
    await drawn();
    expect(list.tabIndex).toBe(0); // The chosen row is out of sight.
    expect(list.textContent).toContain('data/5001.csv');
    list.querySelectorAll<HTMLElement>('[role=listitem]')[25]!.click();
    await drawn();
    expect(list.tabIndex).toBe(-1);
  });

  it('says so when it cannot be read, and asks again when it is scrolled', async () => {
    ground.server.answers['GET history/7/files'] = new TypeError('away');
    const node = await open();
    expect(node.textContent).toContain('The list could not be read right now.');
  });
});

describe('the side', () => {
  it('loads the panel when it is first seen, and goes back to who asked by Escape', async () => {
    await begin();
    const side = new Side(desk, Promise.resolve());
    side.hide();
    Widget.attach(side, document.body);
    await drawn();
    expect(side.node.childElementCount).toBe(0);
    const asker = document.createElement('button');
    document.body.append(asker);
    asker.focus();
    const turned = side.turn({ name: 'details', files: 'failed' });
    side.show();
    await turned;
    await drawn();
    await new Promise(resolve => window.requestAnimationFrame(() => setTimeout(resolve, 40)));
    expect(side.node.querySelectorAll('.jp-DriveSync-panel')).toHaveLength(1);
    expect(document.activeElement).toBe(side.node.querySelector('h2'));
    side.node
      .querySelector('h2')!
      .dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    expect(document.activeElement).toBe(asker);
    side.dispose();
  });

  it('loads the panel of a restored page once Jupyter stands', async () => {
    await begin();
    let stand: (value: unknown) => void = () => undefined;
    const side = new Side(desk, new Promise(resolve => (stand = resolve)));
    Widget.attach(side, document.body);
    await drawn();
    expect(side.node.childElementCount).toBe(0);
    stand(null);
    await drawn();
    expect(side.node.querySelector('h2')?.textContent).toMatch(/^Synced /);
    expect(side.title.caption).toBe('Google Drive');
    side.dispose();
  });
});

describe('the speed of a sync', () => {
  it('is told after some seconds, over the last ten, of one sync alone', () => {
    const rate = new Rate();
    expect(rate.add('j', 0, 0)).toBeNull();
    expect(rate.add('j', 4e6, 2_000)).toBeNull();
    expect(rate.add('j', 8e6, 4_000)).toBe(2e6);
    for (let second = 5; second <= 30; second += 1) {
      rate.add('j', 8e6 + (second - 4) * 1e6, second * 1_000);
    }
    expect(rate.add('j', 35e6, 31_000)).toBe(1e6);
    expect(rate.add('j', 35e6, 60_000)).toBeNull();
    expect(rate.add('k', 0, 61_000)).toBeNull();
    // Fewer than before: it began anew.
    rate.add('k', 9e6, 70_000);
    expect(rate.add('k', 1e6, 71_000)).toBeNull();
  });
});

describe('the words of a run', () => {
  const run = (change: object): IRun => ({ ...RUN, ...change }) as IRun;

  it.each<[object, string]>([
    [{}, '1 copied, 2 updated'],
    [{ counters: { unchanged: 4, left_out: 3 } }, 'nothing new'],
    [{ outcome: 'running' }, 'under way'],
    [{ outcome: 'interrupted', counters: {} }, 'cut off, the next one went on'],
    [
      { outcome: 'interrupted', counters: { uploaded: 2 } },
      '2 copied, cut off, the next one went on'
    ],
    [
      {
        outcome: 'failed',
        counters: {},
        problem: { code: 'drive.full', who: 'user', sentence: '', params: {} }
      },
      'no space left'
    ],
    [{ outcome: 'failed', counters: {} }, 'nothing new']
  ])('are short: %#', (change, said) => {
    expect(runWords(run(change), NOON, trans)).toBe(said);
  });

  it('name each thing that becomes of a file', () => {
    const outcomes = [
      'failed',
      'brought',
      'refreshed',
      'edited_here',
      'gone_on_drive',
      'uploaded',
      'updated',
      'moved',
      'trashed',
      'archived',
      'restored',
      'beside',
      'untrashed',
      'put_back',
      'skipped',
      'left_out',
      'new'
    ];
    const words = outcomes.map(outcome => filterWords(outcome, trans));
    expect(new Set(words).size).toBe(outcomes.length);
    expect(words.at(-1)).toBe('new');
  });

  it('stand by day', () => {
    const runs = [hours(-1), hours(-3), hours(-30)].map((started, id) => run({ id, started }));
    expect(byDay(runs).map(({ runs: some }) => some.length)).toEqual([2, 1]);
    expect(byDay([])).toEqual([]);
  });
});

describe('a rule', () => {
  it('means one path alone', () => {
    expect(ruleFor('a/b [1]*.csv')).toBe('/a/b \\[1\\]\\*.csv');
  });

  it('is taken away only where it is the own', () => {
    const settings = { ...SETTINGS, excludes: ['/old/ '] };
    const left = (rule: unknown): ReturnType<typeof file> =>
      file('old', 'left_out', 'left_out.excluded', { rule });
    expect(ownRule(left('/old/ (excludes)'), settings)).toBe('/old/');
    expect(ownRule(left('.cache/ (default)'), settings)).toBe('');
    expect(ownRule(left(1), settings)).toBe('');
    expect(ownRule(left('/old/ (excludes)'), null)).toBe('');
    expect(ownRule(file('a', 'left_out', 'left_out.link', { rule: '/old/' }), settings)).toBe('');
  });
});
