/** The form in the settings editor, the schedule in words, and what other extensions see. */
import { Widget } from '@lumino/widgets';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';
import type { ISettings } from '../src/contract';
import { Desk, type Page } from '../src/desk';
import { Offered, offeredPlugin } from '../src/offered';
import { BackupSettings } from '../src/settings/form';
import { BACKUP, MARKS, settingsPlugin } from '../src/settings/plugin';
import { readSchedule, scheduleWords, writeSchedule } from '../src/settings/schedule';
import { Toasts } from '../src/toasts';
import { Ground, hours, status, trans } from './fixtures';

const SETTINGS: ISettings = {
  excludes: ['/old/'],
  includes: [],
  max_file_size: 2_000_000_000,
  bandwidth: 0,
  notify: 'problems',
  time_zone: '',
  paused_until: null,
  schedule: '0 3 * * *',
  effective_time_zone: 'Europe/Zurich',
  next_run: hours(15),
  by_admin: []
};

describe('schedule', () => {
  it.each([
    ['', 'never', 'never by itself'],
    ['0 3 * * *', 'daily', 'every night at 03:00'],
    ['30 14 * * *', 'daily', 'every day at 14:30'],
    ['5 14 * * 1-5', 'weekdays', 'Monday to Friday at 14:05'],
    ['5 14 * * mon-fri', 'weekdays', 'Monday to Friday at 14:05'],
    ['0 3 * * 7', 'weekly', 'every Sunday at 03:00'],
    ['0 3 * * 2', 'weekly', 'every Tuesday at 03:00'],
    ['*/5 * * * *', 'other', 'by the expression "*/5 * * * *"'],
    ['0 3 1 * *', 'other', 'by the expression "0 3 1 * *"'],
    ['0 3 * * 1,3', 'other', 'by the expression "0 3 * * 1,3"']
  ])('says "%s" in words', (cron, rhythm, words) => {
    expect(readSchedule(cron).rhythm).toBe(rhythm);
    expect(scheduleWords(cron, trans)).toBe(words);
  });

  it.each(['', '0 3 * * *', '5 14 * * 1-5', '0 3 * * 2', '*/5 * * * *'])(
    'writes "%s" as it was read',
    cron => expect(writeSchedule(readSchedule(cron))).toBe(cron)
  );
});

let ground: Ground;
let desk: Desk;
let widget: Widget;

async function drawn(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) {
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

async function open(change: Partial<ISettings> = {}): Promise<void> {
  ground = new Ground();
  let now = { ...SETTINGS, ...change };
  ground.server.answers['GET settings'] = () => now;
  ground.server.answers['PATCH settings'] = () => {
    const asked = ground.server.asked.at(-1)!.body as Partial<ISettings>;
    now = { ...now, ...asked };
    return now;
  };
  desk = new Desk(await ground.start(), trans, new Toasts());
  widget = ReactWidget.create(<BackupSettings desk={desk} />);
  Widget.attach(widget, document.body);
  await drawn();
}

function control(name: string): HTMLInputElement {
  return widget.node.querySelector<HTMLInputElement>(`[aria-label="${name}"]`)!;
}

async function set(name: string, value: string): Promise<void> {
  const node = control(name);
  const kind = Object.getPrototypeOf(node) as object;
  Object.getOwnPropertyDescriptor(kind, 'value')!.set!.call(node, value);
  node.dispatchEvent(
    new Event(node instanceof HTMLSelectElement ? 'change' : 'input', { bubbles: true })
  );
  await drawn();
  node.dispatchEvent(new FocusEvent('focusout', { bubbles: true }));
  await drawn();
}

function patches(): unknown[] {
  return ground.server.asked.filter(({ method }) => method === 'PATCH').map(({ body }) => body);
}

describe('BackupSettings', () => {
  afterEach(() => {
    widget.dispose();
    ground.model.dispose();
  });

  it('shows what is so', async () => {
    await open();
    expect(control('How often').value).toBe('daily');
    expect(control('Time').value).toBe('03:00');
    expect(control('Left out').value).toBe('/old/');
    expect(control('Largest file, in GB').value).toBe('2');
    expect(widget.node.textContent).toContain('Now: every night at 03:00. Next: ');
    expect(widget.node.textContent).toContain('Now: Europe/Zurich.');
  });

  it('sets each thing when the person leaves it', async () => {
    await open();
    await set('How often', 'weekly');
    await set('Day of the week', '2');
    await set('Time', '04:30');
    await set('Time', '');
    await set('How often', 'other');
    await set('Cron expression', '0 5 1 * *');
    await set('How often', 'never');
    await set('Time zone', 'UTC ');
    await set('Left out', '/old/\n\n *.bin ');
    await set('Largest file, in GB', '0.5');
    await set('Largest file, in GB', '');
    await set('Speed, in MB per second', '1.5');
    control('Speed, in MB per second').dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', bubbles: true })
    );
    widget.node.querySelector<HTMLInputElement>('input[type=checkbox]')!.click();
    await drawn();
    expect(patches()).toEqual([
      { schedule: '0 3 * * 0' },
      { schedule: '0 3 * * 2' },
      { schedule: '30 4 * * 2' },
      { schedule: '0 5 1 * *' },
      { schedule: '' },
      { time_zone: 'UTC' },
      { excludes: ['/old/', '*.bin'] },
      { max_file_size: 500_000_000 },
      { max_file_size: null },
      { bandwidth: 1_500_000 },
      { notify: 'never' }
    ]);
    expect(widget.node.textContent).toContain('Now: never by itself.');
  });

  it('says what is no number, and what the server refuses', async () => {
    await open();
    const problem = (): string | null =>
      widget.node.querySelector('.jp-DriveSync-setting-problem')!.textContent;
    await set('Largest file, in GB', '-1');
    expect(problem()).toBe('"-1" is no number.');
    expect(patches()).toEqual([]);
    ground.server.answers['PATCH settings'] = new Error('away');
    await set('Time zone', 'UTC');
    expect(problem()).toMatch(/does not answer/);
    ground.server.code = 400;
    for (const [name, value, field, said] of [
      ['Time zone', 'Mars', 'time_zone', /There is no such time zone/],
      ['Left out', '!', 'excludes', /This cannot be set/],
      ['Time', '05:00', 'schedule', /This is no cron expression/]
    ] as const) {
      ground.server.answers['PATCH settings'] = {
        code: 'settings.invalid',
        who: 'admin',
        sentence: 'In English.',
        params: { name: field }
      };
      await set(name, value);
      expect(problem()).toMatch(said);
      expect(control(name).getAttribute('aria-invalid')).toBe('true');
    }
    // Each is told until that one is mended.
    expect(problem()).toMatch(/"-1" is no number\. .*time zone.*cannot be set.*cron/);
    ground.server.code = 200;
    ground.server.answers['PATCH settings'] = SETTINGS;
    await set('Time zone', '');
    expect(control('Time zone').getAttribute('aria-invalid')).toBe('false');
    expect(problem()).not.toMatch(/time zone/);
    expect(problem()).toMatch(/"-1" is no number\. .*cannot be set.*cron/);
  });

  it('shows what the admin set, and lets it be', async () => {
    await open({ by_admin: ['schedule', 'excludes'], next_run: null });
    const fields = [...widget.node.querySelectorAll('fieldset')];
    expect(fields.map(field => field.disabled)).toEqual([true, false, true, false, false, false]);
    expect(fields[0]!.textContent).toContain('Set by your admin');
    expect(fields[0]!.textContent).toContain('Now: every night at 03:00.');
  });

  it('shows what changed elsewhere', async () => {
    await open();
    ground.server.answers['GET settings'] = { ...SETTINGS, time_zone: 'Asia/Tokyo' };
    ground.server.answers['GET status'] = status({ seq: 7 });
    await ground.model.refresh();
    await drawn();
    expect(control('Time zone').value).toBe('Asia/Tokyo');
  });

  it('says that it looks, or why it cannot', async () => {
    ground = new Ground();
    ground.server.answers['GET settings'] = new Error('away');
    desk = new Desk(await ground.start(), trans, new Toasts());
    widget = ReactWidget.create(<BackupSettings desk={desk} />);
    Widget.attach(widget, document.body);
    expect(widget.node.textContent).toBe('');
    await drawn();
    expect(widget.node.textContent).toMatch(/does not answer/);
  });

  it('stands in the settings editor', async () => {
    await open();
    const renderers: Record<string, { fieldRenderer?: unknown }> = {};
    const forms = {
      addRenderer: (id: string, renderer: object) => {
        renderers[id] = renderer;
      }
    };
    void settingsPlugin.activate({} as never, desk, forms);
    void settingsPlugin.activate({} as never, desk, null);
    const Field = renderers[BACKUP]!.fieldRenderer as React.FunctionComponent;
    widget.dispose();
    widget = ReactWidget.create(<Field />);
    Widget.attach(widget, document.body);
    await drawn();
    await drawn();
    expect(control('How often').value).toBe('daily');

    const taken: unknown[] = [];
    const Marks = renderers[MARKS]!.fieldRenderer as React.FunctionComponent<object>;
    for (const formData of [undefined, 'all']) {
      widget.dispose();
      widget = ReactWidget.create(
        <Marks {...{ formData, onChange: (value: unknown) => taken.push(value) }} />
      );
      Widget.attach(widget, document.body);
      await drawn();
      expect(control('Marks in the file browser').value).toBe(formData ?? 'exceptions');
    }
    await set('Marks in the file browser', 'none');
    expect(taken).toEqual(['none']);
  });
});

describe('IDriveSync', () => {
  it('tells other extensions how things stand', async () => {
    ground = new Ground();
    desk = new Desk(await ground.start(), trans, new Toasts());
    const offered = (await offeredPlugin.activate({} as never, desk)) as Offered;
    expect(offered.current).toMatchObject({
      state: 'synced',
      connected: true,
      lastSync: hours(-1) * 1000,
      link: 'https://drive.google.com/drive/folders/abc',
      progress: null
    });
    const told: string[] = [];
    offered.changed.connect((_, now) => told.push(`${now.state} ${String(now.progress?.done)}`));
    await ground.model.refresh();
    expect(told).toEqual([]);
    ground.server.answers['GET status'] = status({
      seq: 2,
      state: 'syncing',
      last_sync: null,
      progress: {
        phase: 'copying',
        done: 3,
        total: 7,
        bytes_done: 0,
        bytes_total: 9,
        eta_seconds: null,
        slowed: false
      }
    });
    await ground.model.refresh();
    expect(told).toEqual(['syncing 3']);
    expect(offered.current.lastSync).toBeNull();
    const pages: Page[] = [];
    desk.opened.connect((_, page) => pages.push(page));
    offered.open();
    expect(pages).toEqual([{ name: 'details' }]);
    ground.server.answers['POST sync'] = { job: 'j', already: false };
    await offered.sync(['a']);
    expect(ground.server.asked.find(({ method }) => method === 'POST')?.body).toEqual({
      paths: ['a']
    });
    ground.model.dispose();
  });

  it('knows nothing before the server was heard', async () => {
    ground = new Ground();
    desk = new Desk(await ground.start(new Error('away')), trans, new Toasts());
    const { current } = new Offered(desk);
    expect([current.state, current.connected, current.lastSync, current.link]).toEqual([
      'unknown',
      false,
      null,
      ''
    ]);
    ground.model.dispose();
  });
});
