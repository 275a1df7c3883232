/** What is apart, left out, planned, brought back and undone: what is drawn, and what a click does. */
import { Widget } from '@lumino/widgets';
import type { IRun } from '../src/contract';
import type { Page } from '../src/desk';
import { apartWords, noneWords } from '../src/panel/apart';
import { PanelBody } from '../src/panel/panel';
import { ruleOwner, ruleWords } from '../src/panel/rules';
import { Tail } from '../src/parts';
import { stepWords } from '../src/pages/plan';
import { choose, isChosen, nights } from '../src/pages/restore';
import { chosenIn, chosenPaths, grouped } from '../src/pages/review';
import { file, hours, status, trans } from './fixtures';
import {
  begin,
  button,
  desk,
  drawn,
  ground,
  openAt,
  PLAN,
  RULES,
  RUN,
  SETTINGS,
  staged,
  toasts,
  UNDOABLE
} from './stage';

async function section(name: string): Promise<HTMLElement> {
  const body = new PanelBody(desk);
  Widget.attach(body, document.body);
  await drawn();
  const node = body.node.querySelector<HTMLElement>(`[data-name=${name}]`)!;
  const head = node.querySelector('button')!;
  if (head.getAttribute('aria-expanded') === 'false') {
    head.click();
    await drawn();
  }
  return node;
}

/** Ends a job of the server as this. */
function ends(job: string, rest: object): void {
  ground.server.answers['GET restore'] = {
    last: { job, kind: 'restore', running: false, problem: null, ...rest }
  };
}

function asked(route: string): unknown {
  return ground.server.asked
    .filter(({ body, url }) => body !== undefined && url.endsWith(route))
    .at(-1)?.body;
}

staged();

describe('what is apart', () => {
  it('is a replaced edit: to see, to have as a copy, to open', async () => {
    await begin();
    const pages: Page[] = [];
    desk.opened.connect((_, page) => pages.push(page));
    const node = await section('replaced');
    expect(node.querySelector('.jp-DriveSync-count')?.textContent).toBe('1');
    expect(node.textContent).toContain('that version is kept for good');
    button('See changes', node).click();
    expect(pages).toEqual([{ name: 'versions', path: 'a/Lab3.ipynb' }]);
    const tab = jest.spyOn(window, 'open').mockReturnValue(null);
    button('Open on Drive', node).click();
    expect(tab.mock.calls[0]![0]).toBe('https://d/1');
    tab.mockRestore();
    ends('r1', {
      result: { files: [file('a/Lab3.ipynb', 'beside', 'beside', { name: 'Lab3 (x)' })] }
    });
    button('Bring back as a copy', node).click();
    await drawn();
    expect(asked('api/restore')).toEqual({ paths: ['a/Lab3.ipynb'], revision: 'r7' });
    expect(toasts()[0]?.message).toContain('Lab3.ipynb: brought back beside what is here');
  });

  it('is newer there: brought here, or said why not', async () => {
    await begin();
    const node = await section('newer');
    ends('r1', { problem: { code: 'net.offline', who: 'wait', sentence: '', params: {} } });
    button('Bring here', node).click();
    await drawn();
    expect(asked('api/restore')).toEqual({ paths: ['a/notes.md'] });
    expect(toasts()[0]?.message).toContain('No connection to Google');
    ends('r1', { result: { files: [] } });
    button('Bring here', node).click();
    await drawn();
    expect(toasts()[0]?.message).toContain('it is here already');
    ground.server.answers['POST restore'] = new TypeError('away');
    button('Bring here', node).click();
    await drawn();
    expect(toasts()[0]?.message).toContain('does not answer');
  });

  it('is on Drive alone: each kind with its sentence', async () => {
    await begin();
    const node = await section('alone');
    expect(node.textContent).toContain('These are gone here and were kept on Drive.');
    expect(node.textContent).toContain('These were removed on Drive twice');
    expect(node.querySelectorAll('.jp-DriveSync-list')).toHaveLength(2);
    expect(() => button('Bring back to my home', node)).not.toThrow();
  });

  it('is nothing, mostly', async () => {
    await begin();
    const counts = { replaced: 0, newer: 0, archived: 0, unclaimed: 0, declined: 0 };
    ground.server.answers['GET apart'] = { counts, kind: 'newer', files: [], total: 0, offset: 0 };
    expect((await section('newer')).textContent).toContain('Nothing is newer on Drive.');
    document.body.replaceChildren();
    expect((await section('alone')).textContent).toContain('Nothing is on Drive alone.');
    document.body.replaceChildren();
    expect((await section('replaced')).textContent).toContain('No edits were replaced.');
  });

  it('has words for each kind', () => {
    const kinds = ['replaced', 'newer', 'archived', 'unclaimed', 'declined'] as const;
    expect(new Set(kinds.map(kind => apartWords(kind, trans))).size).toBe(5);
    kinds.forEach(kind => expect(noneWords(kind, trans)).toMatch(/^N.*\.$/));
  });
});

describe('what is left out', () => {
  it('is told by rule with what it saves; the own are taken away', async () => {
    await begin();
    const pages: Page[] = [];
    desk.opened.connect((_, page) => pages.push(page));
    const node = await section('rules');
    const said = [...node.querySelectorAll('li')].map(item => item.textContent);
    expect(said[0]).toBe('.cache/812 files, more than 96\u00a0MB · left out by default');
    expect(said[1]).toContain('/old/1 file, 5\u00a0MB · your rule');
    expect(said[2]).toBe('links2 files, 0\u00a0bytes · always left out');
    expect(said[3]).toContain('leaves nothing out');
    button('Copy it after all', node).click();
    await drawn();
    expect(asked('api/settings')).toEqual({ excludes: [] });
    button('Remove the rule', node).click();
    await drawn();
    button('Edit rules…', node).click();
    expect(pages).toEqual([{ name: 'exclude' }]);
  });

  it('cannot be said while the server is away, and is fixed where the admin fixed it', async () => {
    await begin();
    ground.server.answers['GET rules'] = new TypeError('away');
    expect((await section('rules')).textContent).toContain('cannot be said right now');
    document.body.replaceChildren();
    ground.server.answers['GET rules'] = RULES;
    ground.server.answers['GET settings'] = { ...SETTINGS, by_admin: ['excludes'] };
    const node = await section('rules');
    expect(() => button('Copy it after all', node)).toThrow();
    expect(() => button('Remove the rule', node)).toThrow();
    document.body.replaceChildren();
    ground.server.answers['GET rules'] = { rules: [], idle: [], looked: 1 };
    expect((await section('rules')).textContent).toContain('Nothing is left out.');
  });

  it('has words for each reason', () => {
    const rule = (reason: string, text = ''): (typeof RULES.rules)[0] => ({
      reason,
      rule: text,
      paths: 1,
      files: 1,
      bytes: 1,
      whole: true
    });
    const reasons = ['secret', 'too_large', 'link', 'special', 'state', 'part', 'filesystem'];
    expect(new Set(reasons.map(reason => ruleWords(rule(reason), trans))).size).toBe(7);
    expect(ruleWords(rule('excluded', 'odd'), trans)).toBe('odd');
    expect(ruleOwner(rule('excluded', '*.o (.driveignore, line 3)'), trans)).toBe(
      '.driveignore, line 3'
    );
    expect(ruleOwner(rule('excluded', 'odd'), trans)).toBe('');
    expect(ruleOwner(rule('too_large'), trans)).toBe('a setting');
  });
});

describe('the plan', () => {
  it('says what would be done and what it costs, and syncs', async () => {
    await begin();
    const node = await openAt({ name: 'plan' });
    expect(node.textContent).toMatch(
      /It would send 2 files, 140\u00a0KB, by 4 requests to Google: less than a minute\./
    );
    expect(node.textContent).toContain('3 files would wait for your answer first.');
    const rows = [...node.querySelectorAll('li')].map(row => row.textContent);
    expect(rows).toEqual([
      'a/Lab3.ipynbupdate, 70\u00a0KB',
      'a/Lab4.ipynbcopy, 70\u00a0KB',
      'and 9 more'
    ]);
    button('Sync now', node).click();
    await drawn();
    expect(ground.server.routes()).toContain('POST sync');
    expect(document.querySelector('dialog')).toBeNull();
  });

  it('is nothing, or cannot be told', async () => {
    await begin();
    ground.server.answers['GET plan'] = { ...PLAN, steps: [], steps_more: 0, holds: [] };
    const node = await openAt({ name: 'plan' });
    expect(node.textContent).toContain('Nothing: everything that is backed up is on Drive');
    node.close();
    ground.server.answers['GET plan'] = new TypeError('away');
    expect((await openAt({ name: 'plan' })).querySelector('[role=alert]')?.textContent).toContain(
      'does not answer'
    );
  });

  it('has words for each step', () => {
    const steps = ['create', 'replace', 'patch', 'trash', 'create_folder', 'pin', 'new'];
    expect(new Set(steps.map(step => stepWords(step, trans))).size).toBe(7);
  });
});

describe('bringing back', () => {
  const STEPS = [
    { step: 'bring', path: 'a/x.csv', as: 'a/x.csv', size: 70 },
    { step: 'beside', path: 'b.txt', as: 'b (from Drive).txt', size: 70 }
  ];

  it('is chosen in the tree, looked at, and done', async () => {
    await begin();
    const node = await openAt({ name: 'restore' });
    node.querySelectorAll<HTMLInputElement>('input[type=radio]')[1]!.click();
    await drawn();
    expect(button('See what comes', node).disabled).toBe(true);
    button('and 1 more', node).click();
    await drawn();
    node.querySelector<HTMLElement>('button[aria-label="Open a"]')!.click();
    await drawn();
    const boxes = (): HTMLInputElement[] => [
      ...node.querySelectorAll<HTMLInputElement>('.jp-DriveSync-tree input')
    ];
    boxes()[1]!.click(); // a/x.csv
    await drawn();
    boxes()[0]!.click(); // a, and with it what lies below
    await drawn();
    expect(boxes().map(({ checked, disabled }) => [checked, disabled])).toEqual([
      [true, false],
      [true, true],
      [false, false]
    ]);
    const night = node.querySelector('select')!;
    expect(night.options).toHaveLength(2);
    night.value = night.options[1]!.value;
    night.dispatchEvent(new Event('change', { bubbles: true }));
    node.querySelector<HTMLInputElement>('input[type=checkbox]:not(.jp-DriveSync-tree *)')!.click();
    await drawn();
    ends('r1', { result: { steps: STEPS, steps_more: 0, bytes: 140 } });
    button('See what comes', node).click();
    await drawn();
    expect(asked('api/restore')).toEqual({
      paths: ['a'],
      as_of: Math.ceil(hours(-1)),
      trashed: true,
      dry_run: true
    });
    expect(node.textContent).toContain(
      '2 files come back, 140\u00a0bytes. 1 of them gets a name beside yours.'
    );
    button('Back', node).click();
    await drawn();
    button('See what comes', node).click();
    await drawn();
    ends('r1', {
      result: {
        counters: { restored: 1, beside: 1, skipped: 1 },
        files: [file('b.txt', 'skipped', 'skipped.link'), file('a/x.csv', 'restored')]
      }
    });
    button('Bring back', node).click();
    await drawn();
    expect(asked('api/restore')).not.toHaveProperty('dry_run');
    expect(node.querySelector('p[role=status]:not(.jp-DriveSync-notice)')?.textContent).toBe(
      '2 files are here again. 1 could not be brought back.'
    );
    expect(node.textContent).toContain('not brought back: a link, which is never copied');
    button('Close', node).click();
    expect(document.querySelector('dialog')).toBeNull();
  });

  it('shows how far it is, and what is there already', async () => {
    await begin();
    const node = await openAt({ name: 'restore', paths: ['a'] });
    expect(node.querySelectorAll<HTMLInputElement>('input[type=radio]')[1]!.checked).toBe(true);
    ground.server.answers['GET restore'] = { last: null };
    button('See what comes', node).click();
    await drawn();
    expect(node.querySelector('[role=progressbar]')).not.toBeNull();
    ends('r1', { result: { steps: [], steps_more: 0 } });
    ground.events.emit({ schema_id: 'x' });
    await ground.model.refresh();
    await drawn();
    expect(node.textContent).toContain('Nothing: all of it is here already.');
    expect(() => button('Bring back', node)).toThrow();
  });

  it.each<[string, () => void, string]>([
    [
      'the job',
      () => ends('r1', { problem: { code: 'net.offline', who: 'wait', sentence: '', params: {} } }),
      'No connection'
    ],
    [
      'the server',
      () => (ground.server.answers['POST restore'] = new TypeError('away')),
      'does not answer'
    ]
  ])('says why %s did not do it', async (_, fail, said) => {
    await begin();
    ground.server.answers['GET history'] = new TypeError('away');
    const node = await openAt({ name: 'restore' });
    fail();
    button('See what comes', node).click();
    await drawn();
    expect(node.querySelector('[role=alert]')?.textContent).toContain(said);
  });

  it('says so where nothing is known', async () => {
    await begin();
    ground.server.answers['GET tree'] = { path: '', files: [], total: 0, offset: 0 };
    const node = await openAt({ name: 'restore', paths: [] });
    expect(node.textContent).toContain('Nothing is known of this folder.');
  });

  it('chooses a folder in place of what lies below it', () => {
    expect(choose('a', ['a/b', 'c', 'ab'])).toEqual(['c', 'ab', 'a']);
    expect(isChosen('a/b', ['a'])).toBe(true);
    expect(isChosen('ab', ['a'])).toBe(false);
  });

  it('goes back to the end of each day with a sync', () => {
    const run = (id: number, ended: number | null, outcome = 'completed'): IRun =>
      ({ ...RUN, id, ended, outcome }) as IRun;
    const at = [hours(-1), hours(-3), hours(-30)];
    const runs = [run(4, null), run(3, at[0]!), run(2, at[1]!), run(1, at[2]!)];
    expect(nights([...runs, run(0, hours(-80), 'failed')])).toEqual([at[0], at[2]]);
  });
});

describe('undoing', () => {
  it('says what it takes back and what stays, and does it', async () => {
    await begin();
    const node = await openAt({ name: 'undo' });
    expect(node.textContent).toContain('is taken back there: 3 files.');
    expect(node.textContent).toContain('and 1 more');
    expect(node.textContent).toContain('1 file that it copied or moved stays as it is.');
    ends('u1', { kind: 'undo', result: { counters: { untrashed: 1, put_back: 1, skipped: 1 } } });
    button('Undo on Drive', node).click();
    await drawn();
    expect(asked('api/undo')).toEqual({ run: 7 });
    expect(node.textContent).toContain(
      '2 files are back on Drive. 1 file could not be taken back; the history says why.'
    );
    button('Close', node).click();
    expect(document.querySelector('dialog')).toBeNull();
  });

  it('tells all of it where all is done', async () => {
    await begin();
    ground.server.answers['GET undoable'] = { ...UNDOABLE, started: null, stays: {}, total: 2 };
    const node = await openAt({ name: 'undo', run: 7 });
    ends('u1', { kind: 'undo', result: { counters: { untrashed: 2 } } });
    button('Undo on Drive', node).click();
    await drawn();
    expect(node.querySelector('p[role=status]:not(.jp-DriveSync-notice)')?.textContent).toBe(
      '2 files are back on Drive.'
    );
  });

  it('says that there is nothing, or why it did not work', async () => {
    await begin();
    ground.server.code = 400;
    const nothing = { code: 'undo.nothing', who: 'user', sentence: 'Nothing.', params: {} };
    ground.server.answers['GET undoable'] = nothing;
    const node = await openAt({ name: 'undo' });
    expect(node.querySelector('[role=alert]')?.textContent).toContain('There is nothing to undo');
    node.close();
    ground.server.code = 200;
    ground.server.answers['GET undoable'] = UNDOABLE;
    const again = await openAt({ name: 'undo' });
    ends('u1', { problem: nothing });
    button('Undo on Drive', again).click();
    await drawn();
    expect(again.querySelector('[role=alert]')?.textContent).toContain('There is nothing to undo');
    again.close();
    const third = await openAt({ name: 'undo' });
    ground.server.answers['POST undo'] = new TypeError('away');
    button('Undo on Drive', third).click();
    await drawn();
    expect(third.querySelector('[role=alert]')?.textContent).toContain('does not answer');
  });
});

describe('a path in a narrow place', () => {
  it.each([
    ['a/b/Lab3.ipynb', 'a/b', '/Lab3.ipynb'],
    ['Lab3.ipynb', '', 'Lab3.ipynb'],
    ['a/folder/', 'a', '/folder/'],
    ['a/results of a very long night.csv', 'a/results of a very ', 'long night.csv']
  ])('keeps the end of %s', (path, head, end) => {
    const { title, children } = Tail({ path }).props as {
      title: string;
      children: { props: { children: string } }[];
    };
    expect(title).toBe(path);
    expect(children.map(part => part.props.children)).toEqual([head, end]);
  });
});

describe('the tree of held files', () => {
  const items = ['a/b/c/1', 'a/b/c/2', 'a/b/d/3', 'a/4', 'e/f/5', 'top'].map(path => ({
    path,
    size: 10
  }));

  it('has lone folders in one row, the fullest first', () => {
    const tree = grouped(items);
    expect(tree.map(({ name, files }) => [name, files])).toEqual([
      ['a', 4],
      ['e/f', 1],
      ['top', 1]
    ]);
    expect(tree[0]!.folders.map(({ name, bytes }) => [name, bytes])).toEqual([['b', 30]]);
  });

  it('is chosen by folder, and said in as few paths as can be', () => {
    const tree = grouped(items);
    expect(chosenPaths(tree, new Set())).toEqual(['a', 'e/f', 'top']);
    const off = new Set(['a/b/c', 'top']);
    expect(tree.map(folder => chosenIn(folder, off))).toEqual(['some', 'all', 'none']);
    expect(chosenPaths(tree, off)).toEqual(['a/4', 'a/b/d', 'e/f']);
    expect(chosenPaths(tree, new Set(['a']))).toEqual(['a/b', 'e/f', 'top']);
  });

  it('turns whole folders off and on', async () => {
    const hold = {
      id: 'h1',
      kind: 'deletions',
      since: hours(-2),
      count: 6,
      bytes: 60,
      reason: '',
      params: {},
      choices: ['keep' as const],
      paths_href: '/x'
    };
    await begin({ state: 'needs_you', holds: [hold] });
    ground.server.answers['GET holds/h1/files'] = { total: 6, offset: 0, files: items };
    const node = await openAt({ name: 'review', hold: 'h1' });
    node.querySelector<HTMLElement>('button[aria-label="Open a"]')!.click();
    await drawn();
    node.querySelector<HTMLElement>('button[aria-label="Open b"]')!.click();
    await drawn();
    const boxes = (): HTMLInputElement[] => [
      ...node.querySelectorAll<HTMLInputElement>('.jp-DriveSync-tree input')
    ];
    boxes()[2]!.click(); // a/b/c
    await drawn();
    expect(boxes().map(box => box.indeterminate)).toEqual([true, true, false, false, false, false]);
    boxes()[0]!.click(); // a: what is partly chosen is chosen whole
    await drawn();
    boxes()[5]!.click(); // top
    await drawn();
    button('Keep on Drive only', node).click();
    await drawn();
    expect(asked('api/release')).toEqual({ id: 'h1', choice: 'keep', paths: ['a', 'e/f'] });
    expect(status().holds).toEqual([]);
  });
});
