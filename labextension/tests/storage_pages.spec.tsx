/** A storage's pages in the dialog: its form, its removal, its permission, what it holds. */
import type { IProblem, IStorage } from '../src/contract';
import type { DialogPage } from '../src/dialog';
import { status } from './fixtures';
import {
  begin,
  bodies,
  button,
  drawn,
  ground,
  HELD,
  MOVED_OUT,
  openAt,
  opened,
  problem,
  staged,
  standing,
  storage,
  toasts
} from './stage';

/** One with a client of its own that has no permission yet. */
const OWN = storage({
  name: 'data',
  credentials: 'client',
  key_file: '',
  client_file: 'client_secrets.json',
  connected: false
});

staged();

async function form(page: DialogPage = { name: 'storage' }): Promise<HTMLDialogElement> {
  return openAt(page);
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
  it('is shown by folder, and answered as a whole, the safe choice first', async () => {
    await begin();
    ground.server.answers['GET storages/course/holds/h1/files'] = HELD;
    ground.server.answers['POST storages/course/release'] = { files: 3, job: 'x' };
    const node = await form({ name: 'held', storage: standing({ holds: [MOVED_OUT] }) });
    expect(node.textContent).toContain('Storage course');
    expect(node.textContent).toContain('3 files were moved elsewhere on your Drive');
    expect(node.querySelector('.jp-DriveSync-tree')?.textContent).toMatch(/^a2 files/);
    expect(node.querySelector('input')).toBeNull();
    const choices = [...node.querySelectorAll('.jp-DriveSync-choices button')];
    expect(choices.map(each => each.textContent)).toEqual([
      'Leave them where they are',
      'Copy them to Drive again'
    ]);
    button('Copy them to Drive again', node).click();
    await drawn();
    expect(bodies('POST', 'storages/course/release')).toEqual([
      { id: 'h1', choice: 'start_afresh' }
    ]);
  });

  it('is nothing where all was answered', async () => {
    await begin();
    const node = await form({ name: 'held', storage: storage() });
    expect(node.querySelector('.jp-DriveSync-choices')).toBeNull();
  });
});
