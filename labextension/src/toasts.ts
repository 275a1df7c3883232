/** At most one toast of ours, for what this person did here or has to do. */
import { Notification } from '@jupyterlab/apputils';
import { plainLines } from './plain';

/** Tells something in place of a toast; '' takes it back. */
export type Host = (message: string, autoClose: number | false) => void;

/** Drawings after which a toast that has not appeared will not. */
const DRAWINGS = 120;

/** Marks a toast as ours as soon as it is drawn: its buttons may need a second row. */
function mark(id: string, left = DRAWINGS): void {
  const node = document.getElementById(id);
  if (node) {
    node.classList.add('jp-DriveSync-toast');
  } else if (left > 0 && Notification.manager.has(id)) {
    window.requestAnimationFrame(() => mark(id, left - 1));
  }
}

/** Shows toasts, the newest in place of the one before. */
export class Toasts {
  /** Who tells instead while a dialog of ours is open: a toast would lie out of reach below it. */
  host: Host | null = null;

  /**
   * Shows a toast.
   *
   * @param autoClose milliseconds; false lets it stay.
   * @returns its id; '' when the dialog told it.
   */
  show(
    message: string,
    kind: Notification.TypeOptions,
    autoClose: number | false,
    actions: Notification.IAction[] = []
  ): string {
    this.dismiss();
    const text = plainLines(message);
    if (this.host) {
      this.host(text, autoClose);
    } else {
      this._shown = Notification.emit(text, kind, { autoClose, actions });
      mark(this._shown);
    }
    return this._shown;
  }

  /** Takes the toast away, if one is there. */
  dismiss(): void {
    if (this._shown && Notification.manager.has(this._shown)) {
      Notification.dismiss(this._shown);
    }
    this._shown = '';
  }

  private _shown = '';
}
