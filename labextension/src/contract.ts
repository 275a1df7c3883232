/** What the server says and takes: the shapes of its OpenAPI description. */

export type State =
  | 'not_connected'
  | 'waiting'
  | 'syncing'
  | 'synced'
  | 'needs_you'
  | 'cant_sync'
  | 'offline'
  | 'paused';

export type Status =
  'initialized' | 'queued' | 'in_progress' | 'completed' | 'completed_with_errors' | 'failed';

export type Choice =
  | 'restore'
  | 'keep'
  | 'trash'
  | 'take_over'
  | 'second_folder'
  | 'start_afresh'
  | 'untrash'
  | 'disconnect';

/** The values that a sentence is filled with. */
export type Params = Readonly<Record<string, unknown>>;

export interface IProblem {
  code: string;
  who: 'user' | 'admin' | 'wait' | 'bug';
  sentence: string;
  params: Params;
}

export interface IAccount {
  email: string;
  name: string;
}

export interface IHold {
  id: string;
  kind: string;
  since: number;
  count: number;
  bytes: number;
  /** In English; kind and params say the same. */
  reason: string;
  params: Params;
  choices: Choice[];
  paths_href: string;
}

export interface IIncident {
  id: string;
  code: string;
  since: number;
  tell: boolean;
}

export interface IProgress {
  phase: string;
  done: number;
  total: number;
  bytes_done: number;
  bytes_total: number;
  eta_seconds: number | null;
  slowed: boolean;
}

export interface IConsent {
  /** Name of the storage that it is for; '' is the backup. */
  storage: string;
  flow: 'browser' | 'device' | 'hub';
  state: 'waiting' | 'exchanging' | 'connected' | 'failed' | 'expired';
  url: string;
  user_code: string;
  expires: number;
  problem: IProblem | null;
}

/** Counters of a run; `phase` and `time_last_ping` too while it is the last one. */
export type Counters = Readonly<Record<string, number | string | undefined>>;

/** The snapshot. Times are seconds since the epoch. */
export interface IStatus {
  seq: number;
  time: number;
  state: State;
  status: Status;
  connected: boolean;
  account: IAccount | null;
  home: string;
  /** Where the file browser's root lies below the home; null: it does not. */
  root: string | null;
  drive_folder: string;
  link: string;
  problem: IProblem | null;
  incident: IIncident | null;
  holds: IHold[];
  last_sync: number | null;
  last_sync_count: number;
  last_sync_job: string;
  job: string;
  started: number | null;
  traceback: string;
  meta: Counters;
  progress: IProgress | null;
  saved_since: number;
  schedule: string;
  time_zone: string;
  next_run: number | null;
  waiting_for: string;
  paused: boolean;
  paused_until: number | null;
  paused_by: '' | 'user' | 'admin';
  consent: IConsent | null;
  ask: boolean;
}

export interface IFolderSize {
  name: string;
  files: number;
  bytes: number;
}

export interface ILeftOut {
  path: string;
  /** In English; code and params say the same. */
  reason: string;
  code: string;
  params: Params;
  size: number;
}

export interface IPreview {
  home: string;
  drive_folder: string;
  files: number;
  bytes: number;
  minutes: number;
  folders: IFolderSize[];
  folders_more: number;
  left_out: ILeftOut[];
  left_out_count: number;
  looked: number;
}

export interface IRunning {
  job: string;
  already: boolean;
}

export interface IAsked {
  flow: 'browser' | 'device' | 'hub';
  url: string;
  user_code: string;
  expires: number;
}

export interface IAboutDisconnect {
  connected: boolean;
  account: IAccount | null;
  files: number;
  stays: string;
  revoke_ends: { code: string; sentence: string }[];
}

export interface IRun {
  id: number;
  job: string;
  started: number;
  ended: number | null;
  outcome: 'running' | 'completed' | 'completed_with_errors' | 'failed' | 'interrupted';
  counters: Counters;
  problem: IProblem | null;
  verified: boolean;
}

export interface IFileOutcome {
  path: string;
  outcome: string;
  /** In English; code and params say the same. */
  reason: string;
  code: string;
  params: Params;
  size: number;
}

export interface IPage<T> {
  total: number;
  offset: number;
  files: T[];
}

export interface IHistory {
  runs: IRun[];
  total: number;
  offset: number;
}

export interface ISettings {
  excludes: string[];
  includes: string[];
  /** Bytes; larger files are left out. */
  max_file_size: number;
  /** Bytes a second sent at most; 0 is unlimited. */
  bandwidth: number;
  notify: 'problems' | 'never';
  time_zone: string;
  paused_until: number | null;
  schedule: string;
  effective_time_zone: string;
  next_run: number | null;
  by_admin: string[];
}

/** How full the account is, in bytes. */
export interface ISpace {
  /** null: without a limit. */
  limit: number | null;
  usage: number;
  in_trash: number;
  free: number | null;
  looked: number;
}

/** In which way a file is not the same here and on Drive. */
export type ApartKind = 'replaced' | 'newer' | 'archived' | 'unclaimed' | 'declined';

export interface IApart {
  path: string;
  size: number;
  at: number | null;
  /** Of a replaced edit. */
  revision: string;
  /** That version is kept for good. */
  kept: boolean;
  link: string;
}

export interface IApartPage extends IPage<IApart> {
  counts: Record<ApartKind, number>;
  kind: ApartKind;
}

/** A file or folder of the mirror. */
export interface IChild {
  path: string;
  name: string;
  folder: boolean;
  size: number;
  modified: number;
  /** false: on Drive alone. */
  here: boolean;
}

/** What the next sync would do. */
export interface IPlan {
  estimate: {
    files: number;
    size: number;
    requests: number;
    quota_units: number;
    minutes: number;
  };
  counts: Counters;
  steps: { step: string; path: string; kind: string; from: string | null; size: number }[];
  steps_more: number;
  holds: { kind: string; count: number; reason: string }[];
  looked: number;
}

export interface IRule {
  reason: string;
  rule: string;
  paths: number;
  files: number;
  bytes: number;
  /** false: there is more than could be counted. */
  whole: boolean;
}

export interface IRules {
  rules: IRule[];
  /** Patterns of the person's own that leave nothing out. */
  idle: string[];
  looked: number;
}

/** What undoing a run would take back on Drive. */
export interface IUndoable extends IPage<{
  path: string;
  way: 'untrash' | 'put_back';
  size: number;
}> {
  run: number;
  started: number | null;
  stays: Counters;
}

/** What shall come back. */
export interface IRestoreRequest {
  paths?: string[];
  as_of?: number;
  trashed?: boolean;
  dry_run?: boolean;
}

/** What a person may set; null takes the default. */
export type SettingsChange = Partial<
  Pick<ISettings, 'excludes' | 'includes' | 'time_zone' | 'paused_until'> & {
    max_file_size: number | null;
    bandwidth: number | null;
    schedule: string | null;
    notify: ISettings['notify'] | null;
  }
>;

export interface IPrompt {
  ask: boolean;
  claimed: boolean;
  mine: boolean;
  not_before: number | null;
  never: boolean;
}

/** The id of our events, see `progress.v1.yaml`. */
export const EVENT = 'https://events.jupyter-drive-sync.invalid/progress/v1';

/** What is pushed: counts and opaque ids only. */
export interface IEvent {
  schema_id: string;
  seq: number;
  reason: 'progress' | 'run' | 'consent' | 'settings' | 'holds' | 'saved' | 'prompt' | 'storages';
  state: State;
  status: Status;
  job?: string;
  code?: string;
  phase?: string;
  done?: number;
  total?: number;
  bytes_done?: number;
  bytes_total?: number;
  eta_seconds?: number | null;
  slowed?: boolean;
  failed?: number;
  held?: number;
  saved_since?: number;
}

// -- the file browser ----------------------------------------------------------------------------

/** An entry of a folder that is not plainly synced. */
export interface IMark extends IFileOutcome {
  outcome: 'waiting' | 'failed' | 'left_out' | 'newer_on_drive' | 'declined';
  folder: boolean;
}

export interface IFolder {
  path: string;
  /** Whether there is a mirror at all. */
  known: boolean;
  /** Why nothing of the folder is mirrored. */
  left_out: IFileOutcome | null;
  /** Name, bytes and milliseconds since the epoch of each file as it was copied. */
  mirrored: [string, number, number][];
  marks: IMark[];
}

/** Where an entry lies on Drive; empty texts where Drive has none. */
export interface IOnDrive {
  path: string;
  id: string;
  link: string;
  colab: string;
}

// -- versions ------------------------------------------------------------------------------------

/** A version of a file that Drive has. */
export interface IVersion {
  id: string;
  time: number;
  size: number;
  author: string;
  /** Kept for good. */
  kept: boolean;
  current: boolean;
}

/** What Drive has of a file's past, newest first. */
export interface IVersions {
  path: string;
  link: string;
  trashed: boolean;
  kept: number;
  most_kept: number;
  versions: IVersion[];
}

export interface IDifferenceLine {
  sign: '' | '+' | '-' | '@';
  text: string;
}

/** How a version differs from what is current. */
export interface IDifference {
  path: string;
  revision: string;
  how: 'same' | 'text' | 'nbdime' | 'binary' | 'large';
  /** Whether the later side is the file here, not Drive's current one. */
  here: boolean;
  lines: IDifferenceLine[];
  lines_more: number;
}

/** The last job that brought something back, or changed versions. */
export interface IVersionJob {
  job: string;
  kind: string;
  running: boolean;
  problem: IProblem | null;
  result?: {
    files?: IFileOutcome[];
    counters?: Counters;
    /** Of a dry run: what would come, and under which name. */
    steps?: { step: string; path: string; as: string; size: number }[];
    steps_more?: number;
    bytes?: number;
  };
}

// -- storages ------------------------------------------------------------------------------------

/** What a person fills in of a storage: a folder here and one on Drive, and which way between. */
export interface IStorageValues {
  name: string;
  /** Folder here, relative to the home. */
  local: string;
  /** Folder on Drive: its address, its id, or its path from My Drive on. */
  drive: string;
  direction: 'import' | 'export';
  /** '' follows from the rest. */
  scope: '' | 'drive.file' | 'drive.readonly' | 'drive';
  credentials: 'auto' | 'own' | 'broker' | 'adc' | 'service_account' | 'client' | 'hub';
  key_file: string;
  client_file: string;
  subject: string;
  /** A cron expression; '' runs only when asked to. */
  schedule: string;
  includes: string[];
  excludes: string[];
}

/** How a storage's last run stands. */
export type IStorageStatus = Pick<
  IStatus,
  | 'status'
  | 'last_sync'
  | 'last_sync_count'
  | 'last_sync_job'
  | 'job'
  | 'started'
  | 'traceback'
  | 'problem'
  | 'meta'
> & { holds: Omit<IHold, 'paths_href'>[] };

export interface IStorage extends IStorageValues {
  /** The configuration has one of this name. */
  by_admin: boolean;
  /** The values are a person's own. */
  own: boolean;
  connected: boolean;
  status: IStorageStatus;
  progress: IProgress | null;
  next_run: number | null;
}

/** What trying a storage has found. */
export interface IFound {
  account: string;
  folder: { id: string; name: string; link: string } | null;
  sample: string;
}
