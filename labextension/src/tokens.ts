/** What other extensions may use of this one. */
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

/** How things stand, in a form that stays. */
export interface IDriveSyncState {
  /**
   * One word: `not_connected`, `waiting`, `syncing`, `synced`, `needs_you`, `cant_sync`, `offline`,
   * `paused`, or `unknown` where the server was not heard yet, or is not heard any more. More may
   * come; take one that you do not know as `unknown`.
   */
  readonly state: string;
  /** The same as a sentence, in the person's language. */
  readonly sentence: string;
  /** Whether there is a permission for a Google account. */
  readonly connected: boolean;
  /** When everything was last found to be on Drive, in milliseconds since the epoch. */
  readonly lastSync: number | null;
  /** Where the mirror opens in a browser; '' before the first sync. */
  readonly link: string;
  /** How far a running sync is, in files; null while none runs, or nobody knows yet. */
  readonly progress: { readonly done: number; readonly total: number } | null;
}

/** The mirror of this page's server. */
export interface IDriveSync {
  /** How things stand now. */
  readonly current: IDriveSyncState;
  /** Emitted when {@link current} is another one; at most some times a second. */
  readonly changed: ISignal<IDriveSync, IDriveSyncState>;
  /**
   * Starts a sync, as a click does: its end is told on this page.
   *
   * @param paths files and folders below the home; everything where none are given.
   */
  sync(paths?: readonly string[]): Promise<void>;
  /** Shows a person how things stand. */
  open(): void;
}

/** Require it, or better have it as optional: it is not there where this extension is not. */
export const IDriveSync = new Token<IDriveSync>(
  'jupyter-drive-sync:IDriveSync',
  'How the mirror on Google Drive stands, and a way to start a sync.'
);
