/** The one question: in one tab, once, and no is kept. */
import { Notification } from '@jupyterlab/apputils';
import { Refused, Unreachable } from './client';
import type { Desk } from './desk';
import { count, duration, size } from './format';

/** Milliseconds between looks at the question while it is shown. */
const WATCH = 1_000;
/** Milliseconds after which the claim is renewed; the server forgets it after 60 s. */
const RENEW = 30_000;

/** Milliseconds after the page stands before anything is asked. */
export const CALM = 2_000;

function quietly(work: Promise<unknown>): void {
  work.catch((problem: unknown) => {
    // A question that could not be put or kept comes again by itself.
    if (!(problem instanceof Refused || problem instanceof Unreachable)) {
      throw problem;
    }
  });
}

/** Asks whether to back up, when nobody was asked and this tab may. */
export class Prompt {
  constructor(
    private readonly _desk: Desk,
    private readonly _tab: string
  ) {}

  /** Asks if that is wanted; otherwise watches for the moment when it is. */
  start(): void {
    const { model } = this._desk;
    model.changed.connect(() => this._consider());
    document.addEventListener('visibilitychange', () => this._consider());
    window.addEventListener('pagehide', () => {
      if (this._id) {
        quietly(model.client.prompt('release', this._tab));
      }
    });
    this._consider();
  }

  private _consider(): void {
    const ask = this._desk.model.status?.ask ?? false;
    if (!ask) {
      this._end();
    } else if (
      !this._id &&
      !this._busy &&
      !this._answered &&
      !document.hidden &&
      !this._desk.toasts.host
    ) {
      this._busy = true;
      quietly(
        this._ask().finally(() => {
          this._busy = false;
        })
      );
    }
  }

  private async _ask(): Promise<void> {
    const { model, trans, toasts } = this._desk;
    const { mine } = await model.client.prompt('claim', this._tab);
    if (!mine) {
      return;
    }
    const { files, bytes, minutes } = await model.client.preview();
    const facts = trans._n(
      '%2 file, %3, %4.',
      '%2 files, %3, %4.',
      files,
      count(files),
      size(bytes),
      duration(minutes * 60, trans)
    );
    this._id = toasts.show(
      `${trans.__('Back up your files to your own Google Drive?')} ${facts}`,
      'info',
      false,
      [
        {
          label: trans.__('Authorize Google Drive'),
          displayType: 'accent',
          callback: () => {
            this._answer(null);
            this._desk.open({ name: 'preview' });
          }
        },
        { label: trans.__('Not now'), callback: () => this._answer('later') },
        { label: trans.__("Don't ask again"), callback: () => this._answer('never') }
      ]
    );
    if (!this._id) {
      return; // A dialog of ours was opened meanwhile, and asks itself.
    }
    this._seen = false;
    let renewed = Date.now();
    this._watch = window.setInterval(() => {
      const there = document.getElementById(this._id) !== null;
      if (this._desk.toasts.host) {
        this._answer(null); // A dialog of ours was opened, and took the toast away.
      } else if (this._seen && !there) {
        this._answer('later'); // Closed by its ×, which means: not now.
      } else if (Date.now() - renewed > RENEW) {
        renewed = Date.now();
        quietly(model.client.prompt('claim', this._tab));
      }
      this._seen ||= there;
    }, WATCH);
  }

  private _answer(answer: 'later' | 'never' | null): void {
    const { model, trans, toasts } = this._desk;
    if (!this._id) {
      return;
    }
    this._answered = true;
    this._end();
    quietly(model.client.prompt(answer ?? 'release', this._tab));
    if (answer) {
      const later = trans.__('You find it again at the cloud button: Authorize.');
      toasts.show(
        answer === 'later'
          ? `${trans.__('You will be asked again in a week.')} ${later}`
          : `${trans.__('You will not be asked again.')} ${later}`,
        'info',
        5000
      );
    }
  }

  private _end(): void {
    window.clearInterval(this._watch);
    if (this._id && Notification.manager.has(this._id)) {
      Notification.dismiss(this._id);
    }
    this._id = '';
  }

  private _id = '';
  private _busy = false;
  private _answered = false;
  private _seen = false;
  private _watch = 0;
}
