/** What is told and asked unasked: ends of syncs, in a toast and aloud; the question of a new home. */
import { Notification } from '@jupyterlab/apputils';
import type { IStatus } from '../src/contract';
import type { Page } from '../src/desk';
import { Announcer, Endings } from '../src/endings';
import { Prompt } from '../src/prompt';
import { hours, status } from './fixtures';
import { begin, desk, drawn, FILES, ground, HOLD, openAt, RUN, staged, toasts } from './stage';

staged();

describe('endings', () => {
  async function end(change: Partial<IStatus>, run: object, files: object[] = []): Promise<void> {
    await begin({ state: 'syncing', status: 'in_progress', job: 'j2', seq: 1 });
    const endings = new Endings(desk);
    ground.server.answers['GET history'] = {
      runs: [{ ...RUN, job: 'j2', ...run }, RUN],
      total: 2,
      offset: 0
    };
    ground.server.answers['GET history/7/files'] = { files, total: files.length, offset: 0 };
    ground.server.answers['GET status'] = status({ seq: 2, job: 'j2', ...change });
    ground.model.adopt('j2');
    await ground.model.refresh();
    await drawn();
    endings.dispose();
    expect(endings.isDisposed).toBe(true);
  }

  it.each<[string, object, object[], string]>([
    ['nothing', { counters: {} }, [], 'Nothing new. Last checked just now.'],
    ['one file', { counters: { updated: 1 } }, [FILES.files[1]!], 'Lab3.ipynb is on your Drive.'],
    [
      'three files',
      { counters: { updated: 2, uploaded: 1 } },
      [FILES.files[1]!],
      'Lab3.ipynb and 2 more are on your Drive.'
    ],
    ['a move', { counters: { moved: 1 } }, [], '1 file was moved on Drive.'],
    ['the trash', { counters: { trashed: 2 } }, [], "2 files are in Drive's trash."]
  ])('tell %s', async (_, run, files, said) => {
    await end({}, run, files);
    expect(toasts().map(({ message }) => message)).toEqual([said]);
  });

  it('tell the first sync with what was left out', async () => {
    await begin({ state: 'syncing', status: 'in_progress', job: 'j1', seq: 1 });
    const endings = new Endings(desk);
    ground.server.answers['GET status'] = status({ seq: 2 });
    ground.model.adopt('j1');
    await ground.model.refresh();
    await drawn();
    expect(toasts()).toEqual([
      {
        message: '3 files are on your Drive. 12 were left out.',
        labels: ['Open in Google Drive', 'See the 12']
      }
    ]);
    endings.dispose();
  });

  it('tell a file that was not copied, calmly, and say where to see why', async () => {
    const partly = { state: 'waiting' as const, status: 'completed_with_errors' as const };
    await end(partly, { counters: { updated: 1, failed: 2 } }, [FILES.files[1]!]);
    expect(toasts()).toEqual([
      {
        message:
          'Lab3.ipynb is on your Drive. 2 files could not be copied this time; they are tried again at the next sync.',
        labels: ['See why']
      }
    ]);
    const opened: Page[] = [];
    desk.opened.connect((_, page) => opened.push(page));
    Notification.manager.notifications[0]!.options.actions![0]!.callback(new MouseEvent('click'));
    expect(opened).toEqual([{ name: 'details', files: 'failed' }]);
  });

  it('tell an incident again when the server says that it is worth it', async () => {
    const problem = { code: 'drive.full', who: 'user' as const, sentence: '', params: {} };
    const incident = { id: 'i1', code: 'drive.full', since: hours(0), tell: true };
    const needs = { state: 'needs_you' as const, status: 'failed' as const, problem };
    await begin({ ...needs, incident });
    const endings = new Endings(desk);
    for (const [seq, tell, told] of [
      [2, true, 1],
      [3, true, 1],
      [4, false, 1],
      [5, true, 2]
    ] as const) {
      ground.server.answers['GET status'] = status({
        seq,
        ...needs,
        incident: { ...incident, tell }
      });
      await ground.model.refresh();
      await drawn();
      const asked = ground.server.routes().filter(route => route === 'POST acknowledge');
      expect(asked).toHaveLength(told);
    }
    expect(toasts()).toHaveLength(1);
    endings.dispose();
  });

  it.each([
    ['that the person stopped', 'run.cancelled', 'waiting'],
    ['under which the server was restarted', 'run.killed', 'cant_sync']
  ] as const)('say nothing of a sync %s', async (_, code, state) => {
    const problem = { code, who: 'wait' as const, sentence: '', params: {} };
    await end({ state, status: 'failed', problem }, {});
    expect(toasts()).toEqual([]);
  });

  it('tell a failure with its one button, once, and have the server remember', async () => {
    const problem = { code: 'auth.revoked', who: 'user' as const, sentence: '', params: {} };
    const incident = { id: 'i1', code: 'auth.revoked', since: hours(0), tell: true };
    await end({ state: 'needs_you', status: 'failed', problem, incident }, {});
    expect(toasts()).toHaveLength(1);
    expect(toasts()[0]!.labels).toEqual(['Reconnect']);
    expect(ground.server.routes().filter(route => route === 'POST acknowledge')).toHaveLength(1);
  });

  it('say nothing of the night that went well, nor of an incident that was told', async () => {
    await begin({ state: 'syncing', status: 'in_progress', job: 'night', seq: 1 });
    const endings = new Endings(desk);
    const incident = { id: 'i1', code: 'drive.full', since: hours(0), tell: false };
    ground.server.answers['GET status'] = status({ seq: 2, job: 'night', incident });
    await ground.model.refresh();
    await drawn();
    expect(toasts()).toEqual([]);
    endings.dispose();
  });
});

describe('the announcer', () => {
  it('leaves to a toast what a toast says', async () => {
    await begin();
    const announcer = new Announcer(desk);
    const say = async (change: Partial<IStatus>): Promise<string> => {
      ground.server.answers['GET status'] = status(change);
      await ground.model.refresh();
      return announcer.node.textContent ?? '';
    };
    await say({ seq: 2, job: 'j9', state: 'syncing', status: 'in_progress' });
    ground.model.adopt('j9');
    expect(await say({ seq: 3, job: 'j9' })).toBe('');
    const incident = { id: 'i', code: 'drive.full', since: 1, tell: true };
    expect(await say({ seq: 4, state: 'needs_you', incident, holds: [HOLD] })).toBe('');
    announcer.dispose();
  });

  it('says begin, quarters and end, and nothing at the start', async () => {
    await begin();
    const announcer = new Announcer(desk);
    const say = async (change: Partial<IStatus>): Promise<string> => {
      ground.server.answers['GET status'] = status(change);
      await ground.model.refresh();
      return announcer.node.textContent ?? '';
    };
    expect(await say({ seq: 2 })).toBe('');
    const running = { state: 'syncing' as const, status: 'in_progress' as const };
    expect(await say({ seq: 3, ...running })).toBe('The sync to Google Drive begins.');
    const progress = {
      phase: 'copying',
      done: 3,
      total: 4,
      bytes_done: 0,
      bytes_total: 0,
      eta_seconds: null,
      slowed: false
    };
    expect(await say({ seq: 4, ...running, progress })).toBe('75 percent of the sync is done.');
    expect(await say({ seq: 5 })).toBe('The sync is done.');
    expect(await say({ seq: 6, state: 'needs_you', holds: [HOLD] })).toBe(
      'Drive: 3 deletions need your OK'
    );
    announcer.dispose();
    expect(announcer.isDisposed).toBe(true);
    expect(document.querySelector('.jp-DriveSync-live')).toBeNull();
  });
});

describe('the prompt', () => {
  const may = { ask: true, claimed: true, mine: true, not_before: null, never: false };

  async function ask(mine: boolean): Promise<void> {
    await begin({ state: 'not_connected', connected: false, ask: true });
    ground.server.answers['POST prompt'] = { ...may, mine };
    new Prompt(desk, 'tab-1').start();
    await drawn();
  }

  it('asks with files, size and minutes, within its room', async () => {
    await ask(true);
    expect(toasts()).toEqual([
      {
        message:
          'Back up your files to your own Google Drive? 1,240 files, 310\u00a0MB, about 4 minutes.',
        labels: ['Authorize Google Drive', 'Not now', "Don't ask again"]
      }
    ]);
    expect(toasts()[0]!.message.length).toBeLessThanOrEqual(140);
  });

  it('is silent in a tab that may not ask', async () => {
    await ask(false);
    expect(toasts()).toEqual([]);
  });

  it.each([
    ['Not now', 'later', 'in a week'],
    ["Don't ask again", 'never', 'not be asked again']
  ])('keeps %s', async (label, action, said) => {
    await ask(true);
    const actions = Notification.manager.notifications[0]!.options.actions!;
    actions.find(each => each.label === label)!.callback(new MouseEvent('click'));
    await drawn();
    expect(ground.server.asked.at(-1)?.body).toEqual({ action, tab: 'tab-1' });
    expect(toasts().map(({ message }) => message)[0]).toContain(said);
  });

  it('opens the preview, and gives its claim back', async () => {
    await ask(true);
    const opened: string[] = [];
    desk.opened.connect((_, to) => opened.push(to.name));
    Notification.manager.notifications[0]!.options.actions![0]!.callback(new MouseEvent('click'));
    await drawn();
    expect(opened).toEqual(['preview']);
    expect(ground.server.asked.at(-1)?.body).toEqual({ action: 'release', tab: 'tab-1' });
  });

  it('takes its × for not now, but not the opening of a dialog', async () => {
    jest.useFakeTimers({ doNotFake: ['setTimeout', 'performance'] });
    try {
      for (const opened of [false, true]) {
        await ask(true);
        const toast = document.createElement('div');
        toast.id = Notification.manager.notifications[0]!.id;
        document.body.append(toast);
        jest.advanceTimersByTime(1_000);
        toast.remove();
        desk.toasts.host = opened ? () => undefined : null;
        jest.advanceTimersByTime(1_000);
        await drawn();
        const action = opened ? 'release' : 'later';
        expect(ground.server.asked.at(-1)?.body).toEqual({ action, tab: 'tab-1' });
        Notification.dismiss();
      }
    } finally {
      jest.useRealTimers();
    }
  });

  it('renews its claim while it is shown', async () => {
    jest.useFakeTimers({ doNotFake: ['setTimeout', 'performance'] });
    try {
      await ask(true);
      jest.advanceTimersByTime(32_000);
      expect(ground.server.routes().filter(route => route === 'POST prompt')).toHaveLength(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it('goes when another tab was answered', async () => {
    await ask(true);
    ground.server.answers['GET status'] = status({ seq: 2, ask: false });
    await ground.model.refresh();
    await drawn();
    expect(toasts()).toEqual([]);
  });
});

describe('a toast', () => {
  it('is marked as ours once it is drawn', async () => {
    await begin();
    const id = desk.toasts.show('Hello.', 'info', false);
    const node = document.createElement('div');
    node.id = id;
    await drawn();
    document.body.append(node);
    await new Promise(resolve => window.requestAnimationFrame(() => setTimeout(resolve, 20)));
    expect(node.className).toBe('jp-DriveSync-toast');
  });
});

describe('a dialog that is open', () => {
  it('tells in place of a toast, which would lie below it', async () => {
    await begin();
    desk.toasts.show('Before.', 'info', false);
    const node = await openAt({ name: 'disconnect' });
    expect(toasts()).toEqual([]);
    ground.server.answers['POST sync'] = new TypeError('away');
    await desk.sync();
    await drawn();
    expect(toasts()).toEqual([]);
    const notice = node.querySelector('[role=status]')!;
    expect(notice.textContent).toContain('does not answer');
    desk.toasts.show('Shortly.', 'info', 20);
    await drawn();
    await drawn();
    expect(notice.textContent).toBe('');
    node.close();
    desk.toasts.show('After.', 'info', false);
    expect(toasts().map(({ message }) => message)).toEqual(['After.']);
  });
});
