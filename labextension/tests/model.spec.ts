import { EVENT, type IEvent } from '../src/contract';
import { Unreachable } from '../src/client';
import { type DriveSyncModel, type IEnd, merge, POLL, UNKNOWN_AFTER } from '../src/model';
import { Ground, settle, status } from './fixtures';

function event(change: Partial<IEvent>): IEvent {
  return {
    schema_id: EVENT,
    seq: 2,
    reason: 'progress',
    state: 'syncing',
    status: 'in_progress',
    job: 'j2',
    phase: 'copying',
    done: 1,
    total: 9,
    bytes_done: 10,
    bytes_total: 90,
    eta_seconds: null,
    slowed: false,
    ...change
  };
}

function hide(hidden: boolean): void {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event('visibilitychange'));
}

describe('DriveSyncModel', () => {
  let ground: Ground;
  let model: DriveSyncModel;

  beforeEach(() => {
    jest.useFakeTimers();
    ground = new Ground();
  });

  afterEach(() => {
    hide(false);
    model.dispose();
    jest.useRealTimers();
  });

  it('asks once at the start and knows then', async () => {
    model = await ground.start();
    expect(model.reach).toBe('here');
    expect(model.status?.state).toBe('synced');
    expect(model.syncing).toBe(false);
    expect(ground.server.routes()).toEqual(['GET status']);
  });

  it('says what it hears, and forgets what is older than it knows', async () => {
    model = await ground.start();
    ground.events.emit(event({}));
    expect(model.status).toMatchObject({ seq: 2, state: 'syncing', job: 'j2' });
    expect(model.status?.progress).toMatchObject({ done: 1, total: 9 });
    ground.events.emit(event({ seq: 2, done: 8 }));
    expect(model.status?.progress?.done).toBe(1);
    ground.events.emit({ schema_id: 'https://somebody.else/v1' });
    expect(ground.server.routes()).toEqual(['GET status']);
  });

  it('asks the server after anything but progress', async () => {
    model = await ground.start();
    ground.server.answers['GET status'] = status({ seq: 5, state: 'needs_you' });
    ground.events.emit(event({ seq: 5, reason: 'holds', state: 'needs_you' }));
    await settle();
    expect(model.status?.state).toBe('needs_you');
  });

  it('asks when it hears before it knows', async () => {
    ground.server.answers['GET status'] = new TypeError('away');
    model = await ground.start();
    ground.server.answers['GET status'] = status();
    ground.events.emit(event({ seq: 1 }));
    await settle();
    expect(model.status?.seq).toBe(1);
  });

  it('asks once more when an event overtook the answer, and then believes it', async () => {
    model = await ground.start(status({ seq: 1 }));
    ground.events.emit(event({ seq: 9, reason: 'saved' }));
    await settle();
    expect(ground.server.routes()).toHaveLength(3);
    expect(model.status?.seq).toBe(1);
  });

  it('asks at most once while a question is open', async () => {
    model = await ground.start();
    const before = ground.server.asked.length;
    void model.refresh();
    void model.refresh();
    void model.refresh();
    await settle();
    expect(ground.server.asked.length - before).toBe(2);
  });

  it('knows nothing three seconds after the server fell silent, and knows again later', async () => {
    model = await ground.start();
    ground.server.answers['GET status'] = new TypeError('away');
    ground.failures.emit(new Error('a request of Jupyter failed'));
    await settle();
    expect(model.reach).toBe('silent');
    expect(model.status).not.toBeNull();
    jest.advanceTimersByTime(UNKNOWN_AFTER);
    expect(model.reach).toBe('away');
    await settle();
    ground.server.answers['GET status'] = status();
    jest.advanceTimersByTime(3_000);
    await settle();
    expect(model.reach).toBe('here');
  });

  it('looks by itself, oftener while a sync runs, and not while nobody looks', async () => {
    model = await ground.start();
    jest.advanceTimersByTime(POLL);
    await settle();
    expect(ground.server.asked).toHaveLength(2);
    ground.events.emit(event({}));
    jest.advanceTimersByTime(5_000);
    await settle();
    expect(ground.server.asked.length).toBeGreaterThan(2);
    hide(true);
    const before = ground.server.asked.length;
    jest.advanceTimersByTime(10 * POLL);
    await settle();
    expect(ground.server.asked).toHaveLength(before);
    hide(false);
    await settle();
    expect(ground.server.asked.length).toBeGreaterThan(before);
  });

  it.each(['waiting', 'exchanging', 'failed'] as const)(
    'looks oftener while Google is asked, even where no event comes: %s',
    async state => {
      const consent = {
        storage: '',
        flow: 'browser' as const,
        state,
        url: '',
        user_code: '',
        expires: 1,
        problem: null
      };
      model = await ground.start(status({ consent, connected: false, state: 'not_connected' }));
      jest.advanceTimersByTime(5_000);
      await settle();
      expect(ground.server.asked).toHaveLength(state === 'failed' ? 1 : 2);
    }
  );

  it('does not plan a look from a hidden tab', async () => {
    hide(true);
    model = await ground.start();
    jest.advanceTimersByTime(10 * POLL);
    await settle();
    expect(ground.server.asked).toHaveLength(1);
  });

  it('shows a sync at the click and tells its end here alone', async () => {
    model = await ground.start();
    const ends: IEnd[] = [];
    model.ended.connect((_, end) => ends.push(end));
    ground.server.answers['POST sync'] = { job: 'j2', already: false };
    ground.server.answers['GET status'] = status({
      seq: 2,
      job: 'j2',
      state: 'syncing',
      status: 'queued'
    });
    const asked = model.sync(['a']);
    expect(model.pending).toBe(true);
    expect(model.syncing).toBe(true);
    await asked;
    expect(model.pending).toBe(false);
    expect(model.syncing).toBe(true);
    expect(ends).toEqual([]);
    ground.server.answers['GET status'] = status({ seq: 3, job: 'j2' });
    ground.events.emit(event({ seq: 3, reason: 'run' }));
    await settle();
    expect(ends.map(end => end.job)).toEqual(['j2']);
    await model.refresh();
    expect(ends).toHaveLength(1);
  });

  it('tells the end of a job that it adopted', async () => {
    model = await ground.start();
    const ends: IEnd[] = [];
    model.ended.connect((_, end) => ends.push(end));
    model.adopt('');
    model.adopt('j1');
    await model.refresh();
    expect(ends).toHaveLength(1);
  });

  it('takes the click back when the server says no', async () => {
    model = await ground.start();
    ground.server.answers['POST sync'] = new TypeError('away');
    await expect(model.sync()).rejects.toBeInstanceOf(Unreachable);
    expect(model.pending).toBe(false);
  });

  it('keeps why the server does not tell', async () => {
    const no = { code: 'request.forbidden', who: 'user', sentence: 'No.', params: {} };
    ground.server.answers['GET status'] = no;
    ground.server.code = 403;
    model = await ground.start();
    expect(model.refused).toEqual(no);
    ground.server.code = 200;
    ground.server.answers['GET status'] = status();
    await model.refresh();
    expect(model.refused).toBeNull();
  });

  it('is quiet once it is gone', async () => {
    model = await ground.start();
    const before = ground.server.asked.length;
    let told = 0;
    model.changed.connect(() => (told += 1));
    const open = model.refresh();
    model.dispose();
    model.dispose();
    expect(model.isDisposed).toBe(true);
    await open;
    jest.advanceTimersByTime(10 * POLL);
    await settle();
    expect(told).toBe(0);
    expect(ground.server.asked).toHaveLength(before + 1);
    expect(model.heard).toBeGreaterThan(0);
  });
});

describe('storages', () => {
  it('are told of without a question about the mirror', async () => {
    const ground = new Ground();
    const model = await ground.start();
    const asked = ground.server.asked.length;
    let changes = 0;
    model.changed.connect(() => (changes += 1));
    ground.events.emit(event({ seq: 9, reason: 'storages' }));
    await settle();
    expect([model.storagesTurn, changes]).toEqual([1, 1]);
    expect(ground.server.asked).toHaveLength(asked);
    expect(model.status?.seq).toBe(1);
    model.touchStorages();
    expect([model.storagesTurn, changes]).toEqual([2, 2]);
    model.dispose();
  });
});

describe('merge', () => {
  it('never lets a sync step back, but begins anew with another', () => {
    const first = merge(status(), event({ done: 5, bytes_done: 50 }));
    const later = merge(first, event({ seq: 3, done: 4, bytes_done: 60 }));
    expect(later.progress).toMatchObject({ done: 5, bytes_done: 60 });
    const other = merge(later, event({ seq: 4, job: 'j3', done: 0, bytes_done: 0 }));
    expect(other.progress).toMatchObject({ done: 0, bytes_done: 0 });
    const phase = merge(later, event({ seq: 4, phase: 'checking', done: 0 }));
    expect(phase.progress?.done).toBe(0);
  });

  it('ends the progress with the sync, however late the last word of it comes', () => {
    const running = merge(status(), event({}));
    const over = merge(running, event({ seq: 3, state: 'synced', status: 'completed' }));
    expect(over).toMatchObject({ state: 'synced', status: 'completed', progress: null });
  });

  it('takes only the order from other events, and what is missing for nothing', () => {
    expect(merge(status(), event({ reason: 'run' }))).toEqual(status({ seq: 2 }));
    const bare: IEvent = {
      schema_id: EVENT,
      seq: 2,
      reason: 'progress',
      state: 'syncing',
      status: 'in_progress'
    };
    expect(merge(status(), bare)).toMatchObject({
      job: 'j1',
      progress: { phase: '', done: 0, total: 0, eta_seconds: null, slowed: false }
    });
  });
});
