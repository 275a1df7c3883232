/** What can be done, wherever it is asked for: one place for toolbar, status bar, menu and dialog. */
import { PageConfig } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import { Refused, Unreachable } from './client';
import type { Choice, IAsked, IProblem, IStorage } from './contract';
import type { DriveSyncModel } from './model';
import { plainly } from './plain';
import type { Toasts } from './toasts';
import { type Action, describe, type IView, problemWords } from './view';
import type { IWords } from './wording';

/** What can be opened: the panel (`details`), or a page of the dialog. */
export type Page =
  | { name: 'details'; files?: string }
  | { name: 'preview' }
  | { name: 'waiting'; storage?: IStorage }
  | { name: 'review'; hold: string }
  | { name: 'exclude' }
  | { name: 'plan' }
  | { name: 'restore'; paths?: readonly string[] }
  | { name: 'undo'; run?: number }
  | { name: 'versions'; path: string }
  | { name: 'storage'; storage?: IStorage }
  | { name: 'forget'; storage: IStorage }
  | { name: 'permit'; storage: IStorage }
  | { name: 'held'; storage: IStorage }
  | { name: 'disconnect' };

/** Our own plugins' way to the desk of the page; others take {@link IDriveSync}. */
export const IDesk = new Token<Desk>('jupyter-drive-sync:IDesk');

/** Where Google shows what fills an account. */
const SPACE = 'https://drive.google.com/drive/quota';

/** Puts a text on the clipboard, also on a page without https, where the browser has no way of its own. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Within our dialog, where one is open: what lies below it cannot be selected.
    const place = document.querySelector('dialog[open]') ?? document.body;
    const before = document.activeElement;
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'jp-DriveSync-live';
    place.append(area);
    area.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way without https
    const done = document.execCommand('copy');
    area.remove();
    if (before instanceof HTMLElement) {
      before.focus();
    }
    return done;
  }
}

/** Carries out what a person asks for. */
export class Desk {
  constructor(
    readonly model: DriveSyncModel,
    trans: TranslationBundle,
    readonly toasts: Toasts
  ) {
    this.trans = plainly(trans);
  }

  /** The words of the page's language; names that are filled in are plain. */
  readonly trans: TranslationBundle;

  /** The consent that was begun on this page, with the address that only it knows. */
  asked: (IAsked & { opened: boolean }) | null = null;

  /** Asks for the panel, or for a page of the dialog. */
  get opened(): ISignal<this, Page> {
    return this._opened;
  }

  /** How things stand, in words. */
  view(now = Date.now()): IView {
    const { status, reach, heard, pending, refused } = this.model;
    return describe({ status, reach, heard, pending, refused }, now, this.trans);
  }

  /** Opens the panel, or the dialog at a page, or turns to that page. */
  open(page: Page): void {
    this._opened.emit(page);
  }

  /** Does what the button of a state says. */
  async act(action: Action | null, view = this.view()): Promise<void> {
    const { model } = this;
    const status = model.status;
    switch (action) {
      case null:
      case 'files':
        this.open({ name: 'details', files: 'failed' });
        return;
      case 'authorize':
      case 'reconnect':
        this.open({ name: 'preview' });
        return;
      case 'sync':
        return this.sync();
      case 'cancel':
        await this.attempt(() => model.client.cancel());
        return model.refresh();
      case 'review': {
        const hold = status?.holds[0];
        this.open(hold ? { name: 'review', hold: hold.id } : { name: 'details' });
        return;
      }
      case 'exclude':
        this.open({ name: 'exclude' });
        return;
      case 'resume':
        await this.attempt(() => model.client.patchSettings({ paused_until: null }));
        return model.refresh();
      case 'space':
        this.browse(SPACE);
        return;
      case 'open_drive':
        if (status?.link) {
          this.browse(status.link);
        }
        return;
      case 'copy_admin':
      case 'copy_details':
        return this.copy(this.report(view));
    }
  }

  /** Starts a sync; its end is told on this page. */
  async sync(paths?: readonly string[]): Promise<void> {
    await this.attempt(() => this.model.sync(paths));
  }

  /** Answers a hold; a sync carries it out. Returns whether the server took it. */
  async release(id: string, choice: Choice, paths?: readonly string[]): Promise<boolean> {
    const done = await this.attempt(() => this.model.client.release(id, choice, paths));
    this.model.adopt(done?.job ?? '');
    await this.model.refresh();
    return done !== null;
  }

  /**
   * Tries something, and tells why it did not work.
   *
   * @returns what it brought; null where it did not work.
   */
  async attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (problem) {
      this.toasts.show(this.whyNot(problem), 'error', false);
      return null;
    }
  }

  /**
   * Begins to ask for consent, in a tab opened by the click itself, as pop-up blockers want it.
   *
   * @throws Refused, Unreachable
   */
  async consent(begin: () => Promise<IAsked>): Promise<void> {
    const tab = window.open('about:blank', '_blank');
    if (tab) {
      tab.opener = null; // It cannot reach back.
    }
    try {
      const asked = await begin();
      if (tab) {
        tab.location.href = asked.url;
      }
      await this.model.refresh();
      this.asked = { ...asked, opened: tab !== null };
    } catch (problem) {
      tab?.close();
      throw problem;
    }
  }

  /** Says why something did not work; `words` puts what the server refused. */
  whyNot(
    problem: unknown,
    words = (said: IProblem): IWords =>
      problemWords(said, this.model.status, Date.now(), this.trans)
  ): string {
    if (problem instanceof Refused) {
      return words(problem.problem).sentence;
    }
    if (problem instanceof Unreachable) {
      return this.trans.__('The Jupyter server does not answer. Nothing was changed; try again.');
    }
    throw problem;
  }

  /** What an administrator, or whoever looks into a fault, has to know; free of secrets. */
  report(view: IView): string {
    const status = this.model.status;
    const lines = [
      `Jupyter Drive Sync: ${view.headline}`,
      view.admin,
      '',
      `user: ${PageConfig.getOption('hubUser') || (status?.drive_folder.split('/').pop() ?? '')}`,
      `time: ${new Date().toISOString()}`,
      `code: ${view.code}`,
      `run: ${status?.job ?? ''}`,
      status?.problem?.sentence ?? '',
      status?.traceback ?? ''
    ];
    return lines.filter((line, at) => line !== '' || at === 2).join('\n');
  }

  /** Puts a text on the clipboard, and says so. */
  async copy(text: string): Promise<void> {
    if (await copied(text)) {
      this.toasts.show(this.trans.__('Copied.'), 'success', 4000);
    } else {
      // To be copied by hand, then.
      this.toasts.show(text, 'info', false);
    }
  }

  /** Opens a page in a tab of its own, which cannot reach back. */
  browse(address: string): void {
    window.open(address, '_blank', 'noopener');
  }

  private readonly _opened = new Signal<this, Page>(this);
}
