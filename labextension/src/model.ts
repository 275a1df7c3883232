/** How things stand, as this page knows it: one snapshot, kept true by events. */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { type Client, Refused } from './client';
import { EVENT, type IEvent, type IProblem, type IRunning, type IStatus } from './contract';

/** Milliseconds without an answer after which nothing is known any more. */
export const UNKNOWN_AFTER = 3_000;
/** Milliseconds between looks while all is well; events tell sooner. */
export const POLL = 60_000;
/** Milliseconds of silence in a sync, or while Google is asked, after which we look. */
const SILENCE = 5_000;
/** Milliseconds between tries to reach a server that is away. */
const RETRY = 3_000;

/** The end of a sync that was started on this page. */
export interface IEnd {
  job: string;
  status: IStatus;
}

/** What the page knows of the server. */
export type Reach = 'checking' | 'here' | 'silent' | 'away';

/** Where the model hears from. */
export interface ISources {
  client: Client;
  /** The server's events, those of others among them. */
  events: ISignal<unknown, { schema_id: string }>;
  /** Told by Jupyter when a request of its own failed. */
  failures: ISignal<unknown, unknown>;
}

/** The state of the mirror, live. */
export class DriveSyncModel implements IDisposable {
  constructor(private readonly _sources: ISources) {
    _sources.events.connect(this._onEvent, this);
    _sources.failures.connect(this._onFailure, this);
    document.addEventListener('visibilitychange', this._onVisible);
    void this.refresh();
  }

  /** Emitted when anything that is shown may have changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when a sync ended that was started on this page. */
  get ended(): ISignal<this, IEnd> {
    return this._ended;
  }

  /** Where requests go. */
  get client(): Client {
    return this._sources.client;
  }

  /** The last snapshot; null until the first came. */
  get status(): IStatus | null {
    return this._status;
  }

  /** Whether the snapshot can be believed. */
  get reach(): Reach {
    return this._reach;
  }

  /** When the server was last heard, in milliseconds since the epoch; 0 for never. */
  get heard(): number {
    return this._heard;
  }

  /** Whether a click here has asked for a sync that the server has not confirmed yet. */
  get pending(): boolean {
    return this._pending;
  }

  /** Whether a sync is under way or asked for. */
  get syncing(): boolean {
    return this._pending || this._status?.state === 'syncing';
  }

  /** Grows when settings were changed, here or in another tab. */
  get settingsTurn(): number {
    return this._settingsTurn;
  }

  /** Grows when something about storages has changed. */
  get storagesTurn(): number {
    return this._storagesTurn;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    window.clearTimeout(this._timer);
    window.clearTimeout(this._doubt);
    document.removeEventListener('visibilitychange', this._onVisible);
    Signal.clearData(this);
  }

  /** Asks the server; while a question is open, one more follows it at most. */
  async refresh(): Promise<void> {
    if (this._asking) {
      this._again = true;
      return this._asking;
    }
    this._asking = this._ask();
    try {
      await this._asking;
    } finally {
      this._asking = null;
    }
    if (this._again && !this._disposed) {
      this._again = false;
      await this.refresh();
    }
  }

  /**
   * Starts a sync.
   *
   * @throws Refused, Unreachable
   */
  async sync(paths?: readonly string[]): Promise<IRunning> {
    this._pending = true;
    this._emit();
    try {
      const running = await this.client.sync(paths);
      this._own.add(running.job);
      return running;
    } finally {
      await this.refresh();
      this._pending = false;
      this._emit();
    }
  }

  /** Counts the end of this job as one that was asked for on this page. */
  adopt(job: string): void {
    if (job) {
      this._own.add(job);
    }
  }

  /** Something about storages was changed on this page. */
  touchStorages(): void {
    this._storagesTurn += 1;
    this._emit();
  }

  private async _ask(): Promise<void> {
    window.clearTimeout(this._timer);
    try {
      const status = await this.client.status();
      if (this._disposed) {
        return;
      }
      this._reached();
      this._take(status);
    } catch (problem) {
      if (problem instanceof Refused) {
        this._reached();
        this._refused = problem.problem;
      } else {
        this._missed();
      }
    }
    if (!this._disposed) {
      this._emit();
      this._plan();
    }
  }

  /** Why the server does not tell how things stand; null while it does. */
  get refused(): IProblem | null {
    return this._refused;
  }

  private _take(status: IStatus): void {
    this._refused = null;
    // An event may have overtaken the answer; one more question settles it.
    if (this._status && status.seq < this._status.seq && !this._overtaken) {
      this._again = this._overtaken = true;
      return;
    }
    this._overtaken = false;
    this._status = status;
    const over = status.status !== 'queued' && status.status !== 'in_progress';
    if (over && status.progress === null && this._own.delete(status.job)) {
      this._ended.emit({ job: status.job, status });
    }
  }

  private _reached(): void {
    window.clearTimeout(this._doubt);
    this._doubt = 0;
    this._reach = 'here';
    this._heard = Date.now();
  }

  private _missed(): void {
    if (this._reach === 'here') {
      this._reach = 'silent';
    }
    if (this._doubt === 0 && this._reach !== 'away') {
      this._doubt = window.setTimeout(() => {
        this._reach = 'away';
        this._emit();
      }, UNKNOWN_AFTER);
    }
  }

  private _plan(): void {
    window.clearTimeout(this._timer);
    if (document.hidden) {
      return;
    }
    const here = this._reach === 'here';
    const pause = !here ? RETRY : this.syncing || this._connecting ? SILENCE : POLL;
    this._timer = window.setTimeout(() => void this.refresh(), pause);
  }

  /** Whether an answer of Google's is awaited: a dialog waits for it, also where no events come. */
  private get _connecting(): boolean {
    const consent = this._status?.consent?.state;
    return consent === 'waiting' || consent === 'exchanging';
  }

  private _onEvent(_: unknown, event: { schema_id: string }): void {
    if (event.schema_id !== EVENT) {
      return;
    }
    const news = event as IEvent;
    const known = this._status;
    if (news.reason === 'storages') {
      // The mirror stands as before, and nothing that is drawn of it has to be asked for.
      this._reached();
      this._storagesTurn += 1;
      this._plan();
      this._emit();
      return;
    }
    if (known && news.seq <= known.seq) {
      return;
    }
    this._reached();
    if (news.reason === 'settings') {
      this._settingsTurn += 1;
    }
    if (known) {
      this._status = merge(known, news);
    }
    if (news.reason !== 'progress' || !known) {
      void this.refresh();
    } else {
      this._plan();
    }
    this._emit();
  }

  private _onFailure(): void {
    void this.refresh();
  }

  private readonly _onVisible = (): void => {
    if (document.hidden) {
      window.clearTimeout(this._timer);
    } else {
      void this.refresh();
    }
  };

  private _emit(): void {
    if (!this._disposed) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _ended = new Signal<this, IEnd>(this);
  private readonly _own = new Set<string>();
  private _status: IStatus | null = null;
  private _refused: IProblem | null = null;
  private _reach: Reach = 'checking';
  private _heard = 0;
  private _settingsTurn = 0;
  private _storagesTurn = 0;
  private _pending = false;
  private _asking: Promise<void> | null = null;
  private _again = false;
  private _overtaken = false;
  private _timer = 0;
  private _doubt = 0;
  private _disposed = false;
}

/** Lays what an event tells over a snapshot; a sync's progress never steps back. */
export function merge(known: IStatus, news: IEvent): IStatus {
  const status = { ...known, seq: news.seq };
  if (news.reason !== 'progress') {
    return status;
  }
  if (news.state !== 'syncing') {
    return { ...status, state: news.state, status: news.status, progress: null };
  }
  const before = known.job === news.job ? known.progress : null;
  const same = before?.phase === news.phase ? before : null;
  return {
    ...status,
    state: news.state,
    status: news.status,
    job: news.job ?? known.job,
    progress: {
      phase: news.phase ?? '',
      done: Math.max(news.done ?? 0, same?.done ?? 0),
      total: news.total ?? 0,
      bytes_done: Math.max(news.bytes_done ?? 0, same?.bytes_done ?? 0),
      bytes_total: news.bytes_total ?? 0,
      eta_seconds: news.eta_seconds ?? null,
      slowed: news.slowed ?? false
    }
  };
}
