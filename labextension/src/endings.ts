/** How the end of a sync is told: a toast for one started here or for an incident, else nothing. */
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { Unreachable, Refused } from './client';
import type { IRun, IStatus } from './contract';
import type { Desk } from './desk';
import { baseName, count, fitted } from './format';
import type { DriveSyncModel, IEnd } from './model';
import { counter } from './view';

/** Files whose copy a person asked for when they asked for a sync. */
const SENT: readonly string[] = ['uploaded', 'updated'];

/** Ends that the line alone tells: they stopped it themselves, or the server went away under it. */
const SILENT: readonly string[] = ['run.cancelled', 'run.killed'];

/** Whether a toast tells, in this tab and now, that a person is needed. */
function isUrgent(status: IStatus): boolean {
  const needed = status.state === 'needs_you' || status.state === 'cant_sync';
  return needed && status.incident?.tell === true && !document.hidden;
}

/** Tells ends. */
export class Endings implements IDisposable {
  constructor(private readonly _desk: Desk) {
    _desk.model.ended.connect(this._onEnd, this);
    _desk.model.changed.connect(this._onChange, this);
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    Signal.clearData(this);
  }

  private _onEnd(_: DriveSyncModel, end: IEnd): void {
    this._tell(end.status).catch((problem: unknown) => {
      // The result itself is in the dialog; its toast can be missed.
      if (!(problem instanceof Unreachable || problem instanceof Refused)) {
        throw problem;
      }
    });
  }

  private async _tell(status: IStatus): Promise<void> {
    const { model, toasts, trans } = this._desk;
    if (SILENT.includes(status.problem?.code ?? '')) {
      return;
    }
    if (status.state !== 'synced' && status.state !== 'waiting') {
      this._warn(status);
      return;
    }
    const { runs } = await model.client.history(2);
    const run = runs.find(each => each.job === status.job);
    const result = run ? await this._result(run, runs.length === 1) : '';
    const failed = run ? counter(run.counters, 'failed') : 0;
    if (failed > 0) {
      const again = trans._n(
        '%2 file could not be copied this time; it is tried again at the next sync.',
        '%2 files could not be copied this time; they are tried again at the next sync.',
        failed,
        count(failed)
      );
      toasts.show(`${result} ${again}`.trim(), 'info', 5000, [
        {
          label: trans.__('See why'),
          callback: () => this._desk.open({ name: 'details', files: 'failed' })
        }
      ]);
      return;
    }
    if (!result) {
      toasts.show(trans.__('Nothing new. Last checked just now.'), 'info', 4000);
      return;
    }
    const open = {
      label: trans.__('Open in Google Drive'),
      callback: () => void this._desk.act('open_drive')
    };
    const leftOut = run && runs.length === 1 ? counter(run.counters, 'left_out') : 0;
    const see = {
      label: trans.__('See the %1', count(leftOut)),
      callback: () => this._desk.open({ name: 'details', files: 'left_out' })
    };
    toasts.show(result, 'success', 5000, leftOut > 0 ? [open, see] : [open]);
  }

  /** What a run brought, '' for nothing. */
  private async _result(run: IRun, first: boolean): Promise<string> {
    const { model, trans } = this._desk;
    const sent = SENT.reduce((sum, name) => sum + counter(run.counters, name), 0);
    if (first && sent > 0) {
      const done = trans._n(
        '%2 file is on your Drive.',
        '%2 files are on your Drive.',
        sent,
        count(sent)
      );
      const leftOut = counter(run.counters, 'left_out');
      return leftOut > 0
        ? `${done} ${trans._n('%2 was left out.', '%2 were left out.', leftOut, count(leftOut))}`
        : done;
    }
    if (sent > 0) {
      const { files } = await model.client.runFiles(run.id);
      const name = baseName(files.find(file => SENT.includes(file.outcome))?.path ?? '');
      return sent === 1
        ? trans.__('%1 is on your Drive.', name)
        : trans._n(
            '%2 and %1 more are on your Drive.',
            '%2 and %1 more are on your Drive.',
            sent - 1,
            name
          );
    }
    const moved = counter(run.counters, 'moved');
    const trashed = counter(run.counters, 'trashed');
    if (moved > 0) {
      return trans._n('%1 file was moved on Drive.', '%1 files were moved on Drive.', moved);
    }
    return trashed > 0
      ? trans._n("%1 file is in Drive's trash.", "%1 files are in Drive's trash.", trashed)
      : '';
  }

  private _onChange(): void {
    const status = this._desk.model.status;
    if (!status?.incident?.tell) {
      this._told = ''; // The server remembers it now, and says so when it is worth telling again.
    } else if (isUrgent(status)) {
      this._warn(status);
    }
  }

  /** Tells what is wrong, once per incident, and has the server remember that. */
  private _warn(status: IStatus): void {
    const { model, toasts } = this._desk;
    const incident = status.incident;
    const view = this._desk.view();
    if (incident) {
      if (this._told === incident.id) {
        return;
      }
      this._told = incident.id;
      model.client.acknowledge(incident.id).catch(() => {
        // Not kept: the next page tells it once more, which is no harm.
      });
    }
    const details = {
      label: this._desk.trans.__('Details'),
      callback: () => this._desk.open({ name: 'details' })
    };
    const action = {
      label: view.button,
      callback: () => void this._desk.act(view.action, view)
    };
    toasts.show(fitted(view.headline), 'warning', false, [view.action ? action : details]);
  }

  private _told = '';
  private _disposed = false;
}

/** Says out loud, for who does not see: begin, quarters, end, and when a person is needed. */
export class Announcer implements IDisposable {
  constructor(private readonly _desk: Desk) {
    this.node.className = 'jp-DriveSync-live';
    this.node.setAttribute('role', 'status');
    document.body.append(this.node);
    _desk.model.ended.connect(this._onEnd, this);
    _desk.model.changed.connect(this._onChange, this);
  }

  /** The one live region. */
  readonly node = document.createElement('div');

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    this.node.remove();
    Signal.clearData(this);
  }

  private _onEnd(): void {
    this._toasted = true;
  }

  private _onChange(): void {
    const { trans, model } = this._desk;
    const view = this._desk.view();
    if (model.status === null) {
      return;
    }
    // What a toast says is read out anyway.
    const toasted = this._toasted || isUrgent(model.status);
    this._toasted = false;
    const before = this._shape;
    this._shape = view.shape;
    if (view.shape === 'syncing') {
      const quarter = Math.floor((view.share ?? 0) * 4);
      if (before !== 'syncing' && before !== '') {
        this._quarter = 0;
        this._say(trans.__('The sync to Google Drive begins.'));
      } else if (quarter > this._quarter) {
        this._quarter = quarter;
        this._say(trans.__('%1 percent of the sync is done.', count(quarter * 25)));
      }
    } else if (toasted) {
      this._say('');
    } else if (before === 'syncing' && view.shape === 'synced') {
      this._say(trans.__('The sync is done.'));
    } else if (before !== view.shape && before !== '' && view.shape === 'needs_you') {
      this._say(view.line);
    }
  }

  private _say(text: string): void {
    this.node.textContent = text;
  }

  private _shape = '';
  private _toasted = false;
  private _quarter = 0;
  private _disposed = false;
}
