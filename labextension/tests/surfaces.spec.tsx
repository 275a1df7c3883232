/** What is drawn, and what a click does, on a server of the test. */
import { Widget } from '@lumino/widgets';
import { StateButton, StatusItem } from '../src/button';
import type { IStatus } from '../src/contract';
import type { Page } from '../src/desk';
import { StateIcon } from '../src/icons';
import { choiceWords, consequence } from '../src/pages/choices';
import { grouped } from '../src/pages/review';
import { settle, status, trans } from './fixtures';
import {
  begin,
  beginAway,
  button,
  desk,
  drawn,
  ground,
  HELD,
  HOLD,
  openAt,
  SETTINGS,
  staged,
  toasts
} from './stage';

staged();

describe('StateButton', () => {
  async function show(change: Partial<IStatus>, save?: () => Promise<void>): Promise<HTMLElement> {
    await begin(change);
    const widget = new StateButton(desk, save);
    Widget.attach(widget, document.body);
    await drawn();
    return widget.node.querySelector('button')!;
  }

  it('saves, starts a sync and shows it at once', async () => {
    const order: string[] = [];
    const node = await show({}, () => {
      order.push('saved');
      return Promise.resolve();
    });
    expect(node.getAttribute('aria-label')).toMatch(/^Sync now: Drive: synced /);
    expect(node.dataset.state).toBe('synced');
    ground.server.answers['POST sync'] = () => {
      order.push('asked');
      return { job: 'j2', already: false };
    };
    node.click();
    await settle();
    expect(order).toEqual(['saved', 'asked']);
    await drawn();
  });

  it.each<[Partial<IStatus>, Page['name']]>([
    [{ state: 'syncing', status: 'in_progress' }, 'details'],
    [{ state: 'paused' }, 'details'],
    [{ state: 'not_connected', connected: false }, 'preview'],
    [{ state: 'needs_you', holds: [HOLD] }, 'review'],
    [
      {
        state: 'cant_sync',
        problem: { code: 'org.blocked', who: 'admin', sentence: '', params: {} }
      },
      'details'
    ]
  ])('opens what a state needs: %#', async (change, page) => {
    const node = await show(change);
    const opened: string[] = [];
    desk.opened.connect((_, to) => opened.push(to.name));
    node.click();
    await drawn();
    expect(opened).toEqual([page]);
    expect(ground.server.routes()).not.toContain('POST sync');
  });

  it('does nothing while nothing is known', async () => {
    await beginAway();
    const widget = new StateButton(desk);
    Widget.attach(widget, document.body);
    await drawn();
    const node = widget.node.querySelector('button')!;
    expect(node.getAttribute('aria-disabled')).toBe('true');
    node.click();
    await drawn();
    expect(ground.server.routes()).toEqual(['GET status']);
  });

  it('has a neighbour in the status bar that opens the details', async () => {
    await begin();
    const item = new StatusItem(desk);
    Widget.attach(item, document.body);
    await drawn();
    const opened: string[] = [];
    desk.opened.connect((_, to) => opened.push(to.name));
    const node = item.node.querySelector('button')!;
    expect(node.textContent).toMatch(/^Drive: synced /);
    node.click();
    expect(opened).toEqual(['details']);
  });
});

describe('StateIcon', () => {
  it('has a shape of its own for each state', () => {
    const shapes = [
      'unknown',
      'not_connected',
      'waiting',
      'syncing',
      'synced',
      'needs_you',
      'cant_sync',
      'offline',
      'paused'
    ] as const;
    const drawings = shapes.map(shape => JSON.stringify(StateIcon({ shape })));
    expect(new Set(drawings).size).toBe(9);
  });
});

describe('a hold', () => {
  it('is answered in part, the trash only at the second step', async () => {
    await begin({ state: 'needs_you', holds: [HOLD] });
    const node = await openAt({ name: 'review', hold: 'h1' });
    const choices = [...node.querySelectorAll('.jp-DriveSync-choices li')];
    expect(choices.map(each => each.textContent)).toEqual([
      'Keep on Drive onlyThey stay on your Drive; your home stays as it is.',
      "Move 3 files to Drive's trashYou can take them out of it again for 30 days."
    ]);
    node.querySelectorAll<HTMLInputElement>('input[type=checkbox]')[1]!.click();
    await drawn();
    button("Move 2 files to Drive's trash", node).click();
    await drawn();
    expect(ground.server.routes()).not.toContain('POST release');
    expect(node.textContent).toContain('30 days');
    button("Move 2 files to Drive's trash", node).click();
    await drawn();
    const release = ground.server.asked.find(({ url }) => url.endsWith('release'));
    expect(release?.body).toEqual({ id: 'h1', choice: 'trash', paths: ['a'] });
  });

  it('that is settled says so', async () => {
    await begin();
    const node = await openAt({ name: 'review', hold: 'gone' });
    expect(node.textContent).toContain('nothing waits for you');
  });

  it('says of each choice what it leads to', () => {
    const choices = [
      'restore',
      'keep',
      'trash',
      'take_over',
      'second_folder',
      'start_afresh',
      'untrash',
      'disconnect'
    ] as const;
    for (const kind of ['deletions', 'moved_out']) {
      const words = choices.map(choice => choiceWords(choice, kind, 2, trans));
      const said = choices.map(choice => consequence(choice, kind, 'home/ann', trans));
      expect(new Set(words).size).toBe(choices.length);
      expect(new Set(said).size).toBe(choices.length);
      said.forEach(sentence => expect(sentence).toMatch(/^[A-Z].*\.$/));
    }
  });

  it('groups its files by folder, the fullest first', () => {
    const said = grouped(HELD.files).map(({ name, files, bytes }) => [name, files, bytes]);
    expect(said).toEqual([
      ['a', 2, 200],
      ['top', 1, 100]
    ]);
  });
});

describe('connecting', () => {
  const asked = { flow: 'browser', url: 'https://google/consent', user_code: '', expires: 1 };

  it('shows what goes, and opens the tab from the click', async () => {
    await begin({ state: 'not_connected', connected: false });
    const node = await openAt({ name: 'preview' });
    expect(node.textContent).toMatch(/1,240 files, 310\u00a0MB, .*about 4 minutes/);
    expect(node.textContent).toContain('My Drive/home/ann');
    expect(node.textContent).toContain('nothing is written into your home');
    const tab = { opener: window, location: { href: '' }, close: jest.fn() };
    const opened = jest.spyOn(window, 'open').mockReturnValue(tab as never);
    ground.server.answers['POST authorize'] = asked;
    ground.server.answers['GET status'] = status({
      seq: 2,
      state: 'not_connected',
      connected: false,
      consent: { ...asked, storage: '', flow: 'browser', state: 'waiting', url: '', problem: null }
    });
    button('Continue to Google', node).click();
    expect(opened).toHaveBeenCalledTimes(1);
    await drawn();
    expect(tab).toMatchObject({ opener: null, location: { href: asked.url } });
    expect(node.textContent).toContain('Waiting for Google…');
    button('Cancel', node).click();
    await drawn();
    expect(ground.server.routes()).toContain('DELETE authorize');
    opened.mockRestore();
  });

  it('says why it cannot, and closes the tab again', async () => {
    await begin({ state: 'not_connected', connected: false });
    const node = await openAt({ name: 'preview' });
    const tab = { opener: window, location: { href: '' }, close: jest.fn() };
    const opened = jest.spyOn(window, 'open').mockReturnValue(tab as never);
    ground.server.answers['POST authorize'] = new TypeError('away');
    button('Continue to Google', node).click();
    await drawn();
    expect(tab.close).toHaveBeenCalled();
    expect(node.querySelector('[role=alert]')?.textContent).toContain('does not answer');
    opened.mockRestore();
  });

  it('leaves chosen folders out', async () => {
    await begin({ state: 'not_connected', connected: false });
    const node = await openAt({ name: 'preview' });
    button('Choose folders…', node).click();
    await drawn();
    node.querySelector<HTMLInputElement>('input[type=checkbox]')!.click();
    await drawn();
    const patch = ground.server.asked.find(({ method }) => method === 'PATCH');
    expect(patch?.body).toEqual({ excludes: ['/old/', '/course/'] });
  });

  it('shows the code of a device', async () => {
    const consent = {
      storage: '',
      flow: 'device' as const,
      state: 'waiting' as const,
      url: 'https://google/device',
      user_code: 'GQVQ-JKEC',
      expires: 1,
      problem: null
    };
    await begin({ state: 'not_connected', connected: false, consent });
    const node = await openAt({ name: 'waiting' });
    expect(node.textContent).toContain('GQVQ-JKEC');
    expect(node.textContent).toContain('https://google/device');
  });

  it.each(['failed', 'expired'] as const)('tells that it %s', async state => {
    const problem =
      state === 'failed'
        ? { code: 'auth.denied', who: 'user' as const, sentence: '', params: {} }
        : null;
    const consent = {
      storage: '',
      flow: 'browser' as const,
      state,
      url: '',
      user_code: '',
      expires: 1,
      problem
    };
    await begin({ state: 'not_connected', connected: false, consent });
    const node = await openAt({ name: 'waiting' });
    expect(node.querySelector('[role=alert]')?.textContent).toContain('Nothing was changed');
    button('Try again', node).click();
    await drawn();
    expect(node.textContent).toContain('What goes');
  });

  it('says so when nothing comes of it any more, such as after a restart', async () => {
    await begin({ state: 'not_connected', connected: false });
    const node = await openAt({ name: 'waiting' });
    expect(node.querySelector('h2')?.textContent).toBe('Not connected');
    expect(node.querySelector('[role=alert]')?.textContent).toContain('no longer open');
    button('Try again', node);
  });

  it('offers nothing while the answer is taken', async () => {
    const consent = {
      storage: '',
      flow: 'browser' as const,
      state: 'exchanging' as const,
      url: '',
      user_code: '',
      expires: 1,
      problem: null
    };
    await begin({ state: 'not_connected', connected: false, consent });
    const node = await openAt({ name: 'waiting' });
    expect(node.textContent).toContain('Google has answered');
    expect(node.querySelectorAll('footer button')).toHaveLength(0);
  });

  it('has the admin told where only an admin can help', async () => {
    const problem = { code: 'org.blocked', who: 'admin' as const, sentence: '', params: {} };
    const consent = {
      storage: '',
      flow: 'browser' as const,
      state: 'failed' as const,
      url: '',
      user_code: '',
      expires: 1,
      problem
    };
    await begin({ state: 'not_connected', connected: false, consent });
    const node = await openAt({ name: 'waiting' });
    expect(node.textContent).toContain('you need do nothing else');
    const written: string[] = [];
    const clipboard = {
      writeText: (text: string) => Promise.resolve(void written.push(text))
    };
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: clipboard });
    button('Copy message for admin', node).click();
    await drawn();
    expect(written.join()).toContain('trust the client id');
    expect(node.querySelector('[role=status]')?.textContent).toBe('Copied.');
    // Without https there is no such clipboard; then within the dialog, else by hand.
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: undefined });
    const areas: (string | undefined)[] = [];
    for (const works of [true, false]) {
      Object.defineProperty(document, 'execCommand', {
        configurable: true,
        value: () => {
          areas.push(node.querySelector('textarea')?.value);
          return works;
        }
      });
      button('Copy message for admin', node).click();
      await drawn();
      const notice = node.querySelector('[role=status]')?.textContent;
      expect(notice).toMatch(works ? /^Copied\.$/ : /trust the client id/);
    }
    expect(areas.map(text => text?.includes('trust the client id'))).toEqual([true, true]);
    expect(node.querySelector('textarea')).toBeNull();
    button('Close', node).click();
    expect(document.querySelector('dialog')).toBeNull();
  });

  it('goes on by itself when Google said yes', async () => {
    const consent = {
      storage: '',
      flow: 'browser' as const,
      state: 'connected' as const,
      url: '',
      user_code: '',
      expires: 1,
      problem: null
    };
    await begin({ consent });
    const pages: Page[] = [];
    desk.opened.connect((_, page) => pages.push(page));
    await openAt({ name: 'waiting' });
    expect(document.querySelector('dialog')).toBeNull();
    expect(pages).toEqual([{ name: 'details' }]);
  });
});

describe('disconnecting and leaving out', () => {
  it('says what stays and what ends', async () => {
    await begin();
    const node = await openAt({ name: 'disconnect' });
    expect(node.textContent).toContain('Stop backing up to ann@uni.edu?');
    expect(node.textContent).toContain('Your 1,236 files stay');
    node.querySelector<HTMLInputElement>('input[type=checkbox]')!.click();
    await drawn();
    button('Disconnect', node).click();
    await drawn();
    const post = ground.server.asked.find(
      ({ url, method }) => method === 'POST' && url.endsWith('disconnect')
    );
    expect(post?.body).toEqual({ revoke: true });
    expect(document.querySelector('dialog')).toBeNull();
  });

  it('keeps rules as lines, but not those of the admin', async () => {
    await begin();
    const node = await openAt({ name: 'exclude' });
    expect(node.querySelector('textarea')?.value).toBe('/old/');
    button('Save', node).click();
    await drawn();
    expect(ground.server.asked.find(({ method }) => method === 'PATCH')?.body).toEqual({
      excludes: ['/old/']
    });
    ground.server.answers['GET settings'] = { ...SETTINGS, by_admin: ['excludes'] };
    const again = await openAt({ name: 'exclude' });
    expect(again.querySelector('textarea')?.disabled).toBe(true);
  });
});

describe('the desk', () => {
  it('carries out each action', async () => {
    await begin();
    const opened: string[] = [];
    desk.opened.connect((_, to) => opened.push(to.name));
    const tab = jest.spyOn(window, 'open').mockReturnValue(null);
    for (const action of ['files', 'authorize', 'reconnect', 'review', 'exclude'] as const) {
      await desk.act(action);
    }
    expect(opened).toEqual(['details', 'preview', 'preview', 'details', 'exclude']);
    await desk.act('space');
    await desk.act('open_drive');
    expect(tab.mock.calls.map(call => call[2])).toEqual(['noopener', 'noopener']);
    await desk.act('resume');
    await desk.act('cancel');
    await desk.act('sync');
    expect(ground.server.routes()).toEqual(
      expect.arrayContaining(['PATCH settings', 'POST cancel', 'POST sync'])
    );
    tab.mockRestore();
  });

  it('tells why something was refused, and leaves bugs alone', async () => {
    await begin();
    ground.server.code = 409;
    ground.server.answers['POST sync'] = {
      code: 'run.paused',
      who: 'user',
      sentence: '',
      params: {}
    };
    await desk.sync();
    expect(toasts()[0]!.message).toContain('paused');
    await expect(desk.attempt(() => Promise.reject(new RangeError('bug')))).rejects.toThrow('bug');
  });

  it('writes a report for an admin, without empty lines at its end', async () => {
    const problem = {
      code: 'project.api_off',
      who: 'admin' as const,
      sentence: 'Off.',
      params: {}
    };
    await begin({ state: 'cant_sync', status: 'failed', problem });
    const report = desk.report(desk.view());
    expect(report).toContain('code: project.api_off');
    expect(report).toContain('user: ann');
    expect(report).toContain('Enable the Google Drive API');
  });
});
