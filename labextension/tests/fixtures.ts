/** Things that several tests stand on. */
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { Client } from '../src/client';
import type { IFileOutcome, IStatus, Params } from '../src/contract';
import { DriveSyncModel } from '../src/model';

export const trans = nullTranslator.load('jupyter_drive_sync');

/** 2026-11-21 12:00:00 in the zone of the test. */
export const NOON = new Date(2026, 10, 21, 12).getTime();

/** Seconds since the epoch, so many hours from noon. */
export function hours(from: number): number {
  return NOON / 1000 + from * 3600;
}

/** A status; everything is synced unless said otherwise. */
export function status(change: Partial<IStatus> = {}): IStatus {
  return {
    seq: 1,
    time: hours(0),
    state: 'synced',
    status: 'completed',
    connected: true,
    account: { email: 'ann@uni.edu', name: 'Ann' },
    home: '/home/ann',
    root: '',
    drive_folder: 'home/ann',
    link: 'https://drive.google.com/drive/folders/abc',
    problem: null,
    incident: null,
    holds: [],
    last_sync: hours(-1),
    last_sync_count: 1236,
    last_sync_job: 'j1',
    job: 'j1',
    started: hours(-1),
    traceback: '',
    meta: { total: 3, done: 3, unchanged: 1233, failed: 0, left_out: 12 },
    progress: null,
    saved_since: 0,
    schedule: '0 3 * * *',
    time_zone: 'Europe/Zurich',
    next_run: hours(15),
    waiting_for: '',
    paused: false,
    paused_until: null,
    paused_by: '',
    consent: null,
    ask: false,
    ...change
  };
}

/** What a sync did with a file. */
export function file(
  path: string,
  outcome: string,
  code = '',
  params: Params = {},
  size = 2000
): IFileOutcome {
  return { path, outcome, reason: '', code, params, size };
}

/** A server of the test: answers by route, and remembers what it was asked. */
export class Server {
  readonly asked: { method: string; url: string; body: unknown }[] = [];
  /** What each route answers: a value, or a function that makes it; an Error is no answer. */
  answers: Record<string, unknown> = {};
  code = 200;

  readonly request = (url: string, init: RequestInit): Promise<Response> => {
    const method = init.method ?? 'GET';
    const body = typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined;
    this.asked.push({ method, url, body });
    const route = `${method} ${url.split('/drive-sync/api/')[1]?.split('?')[0] ?? ''}`;
    const found = this.answers[route];
    const value: unknown = typeof found === 'function' ? (found as () => unknown)() : found;
    if (value instanceof Error) {
      return Promise.reject(value);
    }
    return Promise.resolve(
      new Response(typeof value === 'string' ? value : JSON.stringify(value ?? {}), {
        status: this.code
      })
    );
  };

  client(): Client {
    return new Client({ baseUrl: 'http://here/user/ann/' } as never, this.request);
  }

  /** The routes asked so far, by method and name. */
  routes(): string[] {
    return this.asked.map(
      ({ method, url }) => `${method} ${url.split('/drive-sync/api/')[1] ?? url}`
    );
  }
}

/** Lets what was promised come true. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) {
    await Promise.resolve();
  }
}

/** A model on a server of the test. */
export class Ground {
  readonly server = new Server();
  readonly events = new Signal<object, { schema_id: string }>({});
  readonly failures = new Signal<object, unknown>({});
  model!: DriveSyncModel;

  async start(first: IStatus | Error = status()): Promise<DriveSyncModel> {
    this.server.answers['GET status'] ??= first;
    this.model = new DriveSyncModel({
      client: this.server.client(),
      events: this.events,
      failures: this.failures
    });
    await settle();
    return this.model;
  }
}
