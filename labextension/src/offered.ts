/** What other extensions see of the mirror: little, so that it can stay as it is. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Signal } from '@lumino/signaling';
import { type Desk, IDesk } from './desk';
import { IDriveSync, type IDriveSyncState } from './tokens';

/** How things stand, without what is ours alone. */
export function stateOf(desk: Desk): IDriveSyncState {
  const { shape, headline } = desk.view();
  const status = desk.model.status;
  const progress = status?.progress ?? null;
  return {
    state: shape,
    sentence: headline,
    connected: status?.connected ?? false,
    lastSync: status?.last_sync ? status.last_sync * 1000 : null,
    link: status?.link ?? '',
    progress: progress?.total ? { done: progress.done, total: progress.total } : null
  };
}

/** The mirror, as others see it. */
export class Offered implements IDriveSync {
  constructor(private readonly _desk: Desk) {
    this._current = stateOf(_desk);
    _desk.model.changed.connect(this._onChange, this);
  }

  get current(): IDriveSyncState {
    return this._current;
  }

  get changed(): Signal<IDriveSync, IDriveSyncState> {
    return this._changed;
  }

  sync(paths?: readonly string[]): Promise<void> {
    return this._desk.sync(paths);
  }

  open(): void {
    this._desk.open({ name: 'details' });
  }

  private _onChange(): void {
    const now = stateOf(this._desk);
    if (JSON.stringify(now) !== JSON.stringify(this._current)) {
      this._current = now;
      this._changed.emit(now);
    }
  }

  private readonly _changed = new Signal<IDriveSync, IDriveSyncState>(this);
  private _current: IDriveSyncState;
}

export const offeredPlugin: JupyterFrontEndPlugin<IDriveSync> = {
  id: 'jupyter-drive-sync:state',
  description: 'Tells other extensions how the mirror on Google Drive stands.',
  autoStart: true,
  requires: [IDesk],
  provides: IDriveSync,
  activate: (_: JupyterFrontEnd, desk: Desk) => new Offered(desk)
};
