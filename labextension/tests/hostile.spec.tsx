/** F56: what others have named is shown as text, wherever it stands, and does nothing to its line. */
import { Widget } from '@lumino/widgets';
import type { DialogPage } from '../src/dialog';
import { PanelBody } from '../src/panel/panel';
import { plain, plainLines } from '../src/plain';
import { file, hours, trans } from './fixtures';
import {
  begin,
  button,
  desk,
  drawn,
  ground,
  HOLD,
  openAt,
  SPACE,
  staged,
  storage,
  toasts
} from './stage';

const MARKUP = '<img src=x onerror="window.hurt=1"><b>bold</b>';
/** Markup, a line turned around, isolated, broken, and a character that nobody sees. */
const HOSTILE = `${MARKUP}\u202egnp\u2066\u2069\u200b\u200f\n\r\u0007\u2028.exe`;
const SHOWN = `${MARKUP}\\u202egnp\\u2066\\u2069\\u200b\\u200f\\n\\r\\x07\\u2028.exe`;

const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const PROBLEM = { code: 'usage', who: 'user' as const, sentence: HOSTILE, params: {} };

/** Whatever a person is told of this tree: its text, and the attributes that are read or shown. */
function told(root: Element): string[] {
  const names = ['title', 'aria-label', 'aria-description', 'aria-valuetext', 'alt'];
  return [root, ...root.querySelectorAll('*')].flatMap(node => [
    ...[...node.childNodes].filter(each => each.nodeType === 3).map(each => each.nodeValue ?? ''),
    ...names.map(name => node.getAttribute(name) ?? '')
  ]);
}

/** It stands there so many times at least, as text alone. */
function harmless(root: Element, times = 1): void {
  expect(root.querySelector('img, b')).toBeNull();
  expect(told(root).filter(text => UNSEEN.test(text))).toEqual([]);
  const shown = root.textContent?.split(SHOWN).length ?? 0;
  expect(shown - 1).toBeGreaterThanOrEqual(times);
}

async function panel(): Promise<HTMLElement> {
  const body = new PanelBody(desk);
  Widget.attach(body, document.body);
  body.turn({ name: 'details' }, null);
  await drawn();
  for (const head of body.node.querySelectorAll<HTMLElement>('button[aria-expanded=false]')) {
    head.click();
    await drawn();
  }
  return body.node;
}

function answer(answers: Record<string, unknown>): void {
  Object.assign(ground.server.answers, answers);
}

function listed(...files: unknown[]): unknown {
  return { files, total: files.length, offset: 0 };
}

staged();
afterEach(() => expect(window).not.toHaveProperty('hurt'));

describe('plain', () => {
  it.each<[string, string]>([
    ['notes.md', 'notes.md'],
    ['Übung 1 – été.ipynb', 'Übung 1 – été.ipynb'],
    ['עברית.txt', 'עברית.txt'],
    ['می\u200cخواهم 👩\u200d🔬', 'می\u200cخواهم 👩\u200d🔬'],
    ['70\u00a0KB', '70\u00a0KB'],
    [HOSTILE, SHOWN],
    [SHOWN, SHOWN],
    ['\t\u{e0041}\ud800', '\\t\\U000e0041\\ud800']
  ])('shows %j', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  it('leaves lines where lines are meant', () => {
    expect(plainLines('one\ntwo\u202e')).toBe('one\ntwo\\u202e');
  });
});

describe('a hostile name', () => {
  it('is text in the panel: account, folder, files, rules, storages, reasons', async () => {
    await begin({
      state: 'needs_you',
      account: { email: HOSTILE, name: HOSTILE },
      drive_folder: HOSTILE,
      holds: [{ ...HOLD, kind: 'root_gone', reason: HOSTILE }]
    });
    const reason = { ...file(HOSTILE, 'failed'), reason: HOSTILE };
    answer({
      'GET history/7/files': listed(reason, file(`a/${HOSTILE}`, 'updated')),
      'GET space': SPACE,
      'GET apart': listed({
        ...file(HOSTILE, 'replaced_edit'),
        revision: 'r1',
        when: hours(-1),
        run: 7,
        link: ''
      }),
      'GET rules': {
        rules: [
          {
            reason: HOSTILE,
            code: 'left_out.excluded',
            params: { rule: `${HOSTILE} (excludes)` },
            rule: HOSTILE,
            files: 1,
            bytes: 1,
            whole: true
          }
        ],
        idle: [HOSTILE],
        looked: hours(0)
      },
      'GET storages': {
        storages: [
          storage({
            name: HOSTILE,
            local: HOSTILE,
            drive: HOSTILE,
            status: { ...storage().status, status: 'failed', problem: PROBLEM }
          })
        ]
      }
    });
    harmless(await panel(), 12);
  });

  it('is text as a problem, with what the server said of it', async () => {
    await begin({ state: 'needs_you', status: 'failed', problem: PROBLEM });
    harmless(await panel());
  });

  it('is text in a toast', async () => {
    await begin();
    desk.toasts.show(`${HOSTILE}: done`, 'success', false);
    // Line ends are the message's own there: a name has lost its before.
    expect(toasts()[0]!.message).toBe(
      `${MARKUP}\\u202egnp\\u2066\\u2069\\u200b\\u200f\n\\r\\x07\\u2028.exe: done`
    );
    desk.toasts.show(desk.trans.__('It is here again: %1', HOSTILE), 'success', false);
    expect(toasts()[0]!.message).toBe(`It is here again: ${SHOWN}`);
  });

  it.each<DialogPage>([
    { name: 'preview' },
    { name: 'review', hold: 'h1' },
    { name: 'disconnect' },
    { name: 'plan' },
    { name: 'restore' },
    { name: 'undo', run: 7 },
    { name: 'versions', path: HOSTILE },
    { name: 'forget', storage: storage({ name: HOSTILE, local: HOSTILE }) }
  ])('is text in a dialog: $name', async page => {
    await begin({ drive_folder: HOSTILE, holds: [{ ...HOLD, reason: HOSTILE }] });
    const item = { path: `${HOSTILE}/x`, size: 1 };
    const known = ground.server.answers as Record<string, object>;
    answer({
      'GET preview': {
        ...known['GET preview'],
        drive_folder: HOSTILE,
        folders: [{ name: HOSTILE, files: 1, bytes: 1 }],
        left_out: [{ path: HOSTILE, reason: HOSTILE, code: '', params: {}, size: 0 }]
      },
      'GET holds/h1/files': listed(item),
      'GET disconnect': {
        connected: true,
        account: { email: HOSTILE, name: HOSTILE },
        files: 1,
        stays: '',
        revoke_ends: [{ code: 'unheard', sentence: HOSTILE }]
      },
      'GET plan': {
        ...known['GET plan'],
        steps: [{ step: 'create', path: HOSTILE, kind: 'file', from: null, size: 1 }]
      },
      'GET tree': {
        ...listed({
          path: HOSTILE,
          name: HOSTILE,
          folder: true,
          size: 0,
          modified: 0,
          here: true
        })!,
        path: ''
      },
      'GET undoable': {
        ...known['GET undoable'],
        files: [{ path: HOSTILE, way: 'untrash', size: 100 }]
      },
      'GET versions': {
        path: HOSTILE,
        versions: [
          { id: '1', when: hours(-1), size: 1, author: HOSTILE, current: true, kept: false }
        ]
      }
    });
    const node = await openAt(page);
    if (page.name === 'disconnect') {
      node.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
      await drawn();
    }
    if (page.name === 'restore') {
      node.querySelectorAll<HTMLInputElement>('input[type=radio]')[1]?.click();
      await drawn();
    }
    button('×', node);
    harmless(node);
  });

  it('is text in what is filled into a sentence, of one or of many', async () => {
    await begin();
    expect(desk.trans.__('My Drive/%1', HOSTILE)).toBe(`My Drive/${SHOWN}`);
    expect(desk.trans._n('%1 of %2', '%1 of %2', 2, HOSTILE)).toBe(`2 of ${SHOWN}`);
    expect(trans.__('My Drive/%1', HOSTILE)).toContain('\u202e');
  });
});
