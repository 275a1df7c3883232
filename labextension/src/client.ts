/** The server's routes as typed calls. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type {
  ApartKind,
  Choice,
  IAboutDisconnect,
  IApartPage,
  IAsked,
  IChild,
  IDifference,
  IFileOutcome,
  IFolder,
  IFound,
  IHistory,
  IIncident,
  IOnDrive,
  IPage,
  IPlan,
  IPreview,
  IProblem,
  IPrompt,
  IRestoreRequest,
  IRules,
  IRunning,
  ISettings,
  ISpace,
  IStatus,
  IStorage,
  IStorageValues,
  IUndoable,
  IVersionJob,
  IVersions,
  SettingsChange
} from './contract';

/** The server answered, and the answer is no. */
export class Refused extends Error {
  constructor(
    readonly problem: IProblem,
    readonly status: number
  ) {
    super(problem.sentence);
    this.name = 'Refused';
  }
}

/** The server did not answer, or something that is not our server did. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('The Jupyter server does not answer', { cause });
    this.name = 'Unreachable';
  }
}

function isProblem(value: unknown): value is IProblem {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as IProblem).code === 'string' &&
    typeof (value as IProblem).sentence === 'string'
  );
}

function storageRoute(name: string, rest = ''): string {
  return `storages/${encodeURIComponent(name)}${rest}`;
}

/** The browser's time zone. */
export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The values of a storage as the server takes them: no scope is one that follows from the rest. */
function told({
  scope,
  ...values
}: IStorageValues): Omit<IStorageValues, 'scope'> & { scope?: string } {
  return { ...values, ...(scope ? { scope } : {}) };
}

/** Calls the server extension. Every call rejects with {@link Refused} or {@link Unreachable}. */
export class Client {
  constructor(
    readonly settings: ServerConnection.ISettings,
    private readonly _request = ServerConnection.makeRequest
  ) {}

  /** How things stand. */
  status(): Promise<IStatus> {
    return this._call('GET', 'status');
  }

  /** What would be mirrored. */
  preview(refresh = false): Promise<IPreview> {
    return this._call('GET', 'preview', undefined, refresh ? { refresh: '1' } : {});
  }

  /** Starts a sync of everything, or of some paths. */
  sync(paths?: readonly string[]): Promise<IRunning> {
    return this._call('POST', 'sync', paths ? { paths } : {});
  }

  /** Stops the running sync. */
  cancel(): Promise<{ job: string; cancelled: boolean }> {
    return this._call('POST', 'cancel', {});
  }

  /** Begins to connect. */
  authorize(timeZone: string, device = false): Promise<IAsked> {
    return this._call('POST', 'authorize', {
      ...(timeZone ? { time_zone: timeZone } : {}),
      ...(device ? { device } : {})
    });
  }

  /** Gives the attempt to connect up. */
  abandon(): Promise<unknown> {
    return this._call('DELETE', 'authorize');
  }

  /** What a person should know before disconnecting. */
  aboutDisconnect(): Promise<IAboutDisconnect> {
    return this._call('GET', 'disconnect');
  }

  /** Ends the connection. */
  disconnect(revoke: boolean): Promise<{ revoked: boolean }> {
    return this._call('POST', 'disconnect', { revoke });
  }

  /** Answers a hold. */
  release(
    id: string,
    choice: Choice,
    paths?: readonly string[]
  ): Promise<{ files: number; job: string }> {
    return this._call('POST', 'release', { id, choice, ...(paths ? { paths } : {}) });
  }

  /** The files that a hold is about. */
  heldFiles(id: string, offset = 0): Promise<IPage<{ path: string; size: number }>> {
    return this._call('GET', `holds/${encodeURIComponent(id)}/files`, undefined, {
      offset: String(offset)
    });
  }

  /** The last runs, newest first. */
  history(limit: number): Promise<IHistory> {
    return this._call('GET', 'history', undefined, { limit: String(limit) });
  }

  /** What a run did, failed files first. */
  runFiles(run: number, offset = 0, outcome = ''): Promise<IPage<IFileOutcome>> {
    return this._call('GET', `history/${run}/files`, undefined, {
      offset: String(offset),
      ...(outcome ? { outcome } : {})
    });
  }

  /** How full the account is; asked of Google now and then only. */
  space(): Promise<ISpace> {
    return this._call('GET', 'space');
  }

  /** What is set. */
  getSettings(): Promise<ISettings> {
    return this._call('GET', 'settings');
  }

  /** Changes what a person may set: one after the other, so that the last word is the last. */
  patchSettings(change: SettingsChange): Promise<ISettings> {
    const send = (): Promise<ISettings> => this._call('PATCH', 'settings', change);
    const done = this._changing.then(send, send);
    this._changing = done;
    return done;
  }

  /** Claims the right to ask, or keeps the answer. */
  prompt(action: 'claim' | 'release' | 'later' | 'never' | 'reset', tab: string): Promise<IPrompt> {
    return this._call('POST', 'prompt', { action, tab });
  }

  /** The person has been told of an incident. */
  acknowledge(id: string): Promise<{ incident: IIncident | null }> {
    return this._call('POST', 'acknowledge', { id });
  }

  /** How the entries of a folder stand. */
  folder(path: string): Promise<IFolder> {
    return this._call('GET', 'folder', undefined, { path });
  }

  /** Where a file or folder lies on Drive. */
  object(path: string): Promise<IOnDrive> {
    return this._call('GET', 'object', undefined, { path });
  }

  /** The versions of a file that Drive has; Google is asked. */
  versions(path: string): Promise<IVersions> {
    return this._call('GET', 'versions', undefined, { path });
  }

  /** How a version differs from what is current. */
  difference(path: string, revision: string): Promise<IDifference> {
    return this._call('GET', 'difference', undefined, { path, revision });
  }

  /** Keeps a version for good, or makes it current on Drive. */
  changeVersion(path: string, revision: string, action: 'keep' | 'put_back'): Promise<IRunning> {
    return this._call('POST', 'versions', { path, revision, action });
  }

  /** Brings a file here: a version of it, or what is current on Drive. */
  bringVersion(path: string, revision = ''): Promise<IRunning> {
    return this._call('POST', 'restore', { paths: [path], ...(revision ? { revision } : {}) });
  }

  /** What the next sync would do; nothing is changed. */
  plan(refresh = false): Promise<IPlan> {
    return this._call('GET', 'plan', undefined, refresh ? { refresh: '1' } : {});
  }

  /** What each rule leaves out. */
  rules(): Promise<IRules> {
    return this._call('GET', 'rules');
  }

  /** Files that are not the same here and on Drive. */
  apart(kind: ApartKind, offset = 0): Promise<IApartPage> {
    return this._call('GET', 'apart', undefined, { kind, offset: String(offset) });
  }

  /** What the mirror holds in a folder. */
  tree(path: string, offset = 0): Promise<IPage<IChild>> {
    return this._call('GET', 'tree', undefined, { path, offset: String(offset) });
  }

  /** Brings files and folders back, or says what would come. */
  restore(request: IRestoreRequest): Promise<IRunning> {
    return this._call('POST', 'restore', request);
  }

  /** What undoing a run would take back; of the last one that did such things, without a number. */
  undoable(run?: number, offset = 0): Promise<IUndoable> {
    const which: Record<string, string> = run === undefined ? {} : { run: String(run) };
    return this._call('GET', 'undoable', undefined, { ...which, offset: String(offset) });
  }

  /** Takes back on Drive what a run did there. */
  undo(run: number): Promise<IRunning> {
    return this._call('POST', 'undo', { run });
  }

  /** The last job that brought something back, or changed versions. */
  lastVersionJob(): Promise<{ last: IVersionJob | null }> {
    return this._call('GET', 'restore');
  }

  /** All storages; nobody but the state folder is asked. */
  storages(): Promise<{ storages: IStorage[] }> {
    return this._call('GET', 'storages');
  }

  /** The courses that the hub hands on to this person; the hub is asked. */
  courses(): Promise<{ courses: string[] }> {
    return this._call('GET', 'courses');
  }

  /** Makes a storage; it is tried first, unless `check` says not to. */
  makeStorage(values: IStorageValues, check = true): Promise<IStorage> {
    return this._call('POST', 'storages', { ...told(values), check, time_zone: zone() });
  }

  /** Changes a storage as a whole; tried first, as a new one. */
  changeStorage(values: IStorageValues, check = true): Promise<IStorage> {
    const { name, ...rest } = told(values);
    return this._call('PUT', storageRoute(name), { ...rest, check, time_zone: zone() });
  }

  /** Forgets a storage; files stay. */
  removeStorage(name: string): Promise<{ name: string }> {
    return this._call('DELETE', storageRoute(name));
  }

  /** Tries a storage; nothing is kept. */
  validateStorage(values: IStorageValues): Promise<IFound> {
    return this._call('POST', 'validate', told(values));
  }

  /** Runs a storage now. */
  runStorage(name: string): Promise<IRunning> {
    return this._call('POST', storageRoute(name, '/run'), {});
  }

  /** Stops the run of a storage. */
  cancelStorage(name: string): Promise<{ job: string; cancelled: boolean }> {
    return this._call('POST', storageRoute(name, '/cancel'), {});
  }

  /** Begins to connect a storage that has a client of its own. */
  authorizeStorage(name: string): Promise<IAsked> {
    return this._call('POST', storageRoute(name, '/authorize'), {});
  }

  /** Answers what a storage holds. */
  releaseStorage(
    name: string,
    id: string,
    choice: Choice,
    paths?: readonly string[]
  ): Promise<{ files: number; job: string }> {
    return this._call('POST', storageRoute(name, '/release'), {
      id,
      choice,
      ...(paths ? { paths } : {})
    });
  }

  /** The files that a storage holds back. */
  storageHeldFiles(
    name: string,
    id: string,
    offset = 0
  ): Promise<IPage<{ path: string; size: number }>> {
    const route = storageRoute(name, `/holds/${encodeURIComponent(id)}/files`);
    return this._call('GET', route, undefined, { offset: String(offset) });
  }

  /** The last runs of a storage, newest first. */
  storageHistory(name: string, limit: number): Promise<IHistory> {
    return this._call('GET', storageRoute(name, '/history'), undefined, { limit: String(limit) });
  }

  /** What a run of a storage did. */
  storageRunFiles(
    name: string,
    run: number,
    offset = 0,
    outcome = ''
  ): Promise<IPage<IFileOutcome>> {
    return this._call('GET', storageRoute(name, `/history/${run}/files`), undefined, {
      offset: String(offset),
      ...(outcome ? { outcome } : {})
    });
  }

  private _changing: Promise<unknown> = Promise.resolve();

  private async _call<T>(
    method: string,
    route: string,
    body?: unknown,
    query: Record<string, string> = {}
  ): Promise<T> {
    const parameters = new URLSearchParams(query).toString();
    const address =
      URLExt.join(this.settings.baseUrl, 'drive-sync', 'api', route) +
      (parameters ? `?${parameters}` : '');
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    let response: Response;
    let value: unknown;
    try {
      response = await this._request(address, init, this.settings);
      value = await response.json();
    } catch (problem) {
      throw new Unreachable(problem);
    }
    if (response.ok) {
      return value as T;
    }
    if (isProblem(value)) {
      throw new Refused(value, response.status);
    }
    throw new Unreachable(new Error(`${response.status} ${response.statusText}`));
  }
}
