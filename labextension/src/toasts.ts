/** At most one toast of ours, for what this person did here or has to do. */
import { Notification } from '@jupyterlab/apputils';

/** Tells something in place of a toast; '' takes it back. */
export type Host = (message: string, autoClose: number | false) => void;

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
    if (this.host) {
      this.host(message, autoClose);
    } else {
      this._shown = Notification.emit(message, kind, { autoClose, actions });
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
