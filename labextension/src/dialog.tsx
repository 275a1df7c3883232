/** The dialog: one at a time, with pages; the browser's own kind, which keeps the focus. */
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import React, { useLayoutEffect } from 'react';
import type { Desk, Page } from './desk';
import { baseName } from './format';
import { Disconnect } from './pages/disconnect';
import { Exclude } from './pages/exclude';
import { Plan } from './pages/plan';
import { Preview } from './pages/preview';
import { RestorePage } from './pages/restore';
import { Review } from './pages/review';
import { Versions } from './pages/versions';
import { UndoPage } from './pages/undo';
import { Held } from './pages/held';
import { Permit } from './pages/permit';
import { ForgetPage, StoragePage } from './pages/storage';
import { consentIsOver, Waiting } from './pages/waiting';

/** Props of every page. */
export interface IPageProps {
  desk: Desk;
  /** Turns to another page. */
  turn: (page: Page) => void;
  close: () => void;
}

/** A page that is one of the dialog's; how things stand is the panel's. */
export type DialogPage = Exclude<Page, { name: 'details' }>;

function Content(props: IPageProps & { page: DialogPage }): React.JSX.Element {
  const { page, ...rest } = props;
  switch (page.name) {
    case 'preview':
      return <Preview {...rest} />;
    case 'waiting':
      return <Waiting {...rest} storage={page.storage} />;
    case 'review':
      return <Review {...rest} hold={page.hold} />;
    case 'exclude':
      return <Exclude {...rest} />;
    case 'plan':
      return <Plan {...rest} />;
    case 'restore':
      return <RestorePage {...rest} paths={page.paths} />;
    case 'undo':
      return <UndoPage {...rest} run={page.run} />;
    case 'storage':
      return <StoragePage {...rest} storage={page.storage} />;
    case 'forget':
      return <ForgetPage {...rest} storage={page.storage} />;
    case 'permit':
      return <Permit {...rest} storage={page.storage} />;
    case 'held':
      return <Held {...rest} storage={page.storage} />;
    case 'disconnect':
      return <Disconnect {...rest} />;
    case 'versions':
      return <Versions {...rest} path={page.path} />;
  }
}

/** Which name the dialog has on a page. */
function title(page: DialogPage, desk: Desk): string {
  const { trans } = desk;
  switch (page.name) {
    case 'preview':
      return trans.__('Back up your files to Google Drive');
    case 'waiting':
      return consentIsOver(desk.model.status, page.storage?.name)
        ? trans.__('Not connected')
        : trans.__('Waiting for Google…');
    case 'review':
      return trans.__('Please decide');
    case 'exclude':
      return trans.__('Leave out folders and files');
    case 'plan':
      return trans.__('What the next sync would do');
    case 'restore':
      return trans.__('Bring back from Google Drive');
    case 'undo':
      return trans.__('Undo a sync');
    case 'storage':
      return page.storage ? trans.__('Storage %1', page.storage.name) : trans.__('Add a storage');
    case 'forget':
      return page.storage.by_admin
        ? trans.__('Take back your values of %1?', page.storage.name)
        : trans.__('Remove %1?', page.storage.name);
    case 'permit':
      return trans.__('Permission for %1', page.storage.name);
    case 'held':
      return trans.__('Please decide');
    case 'disconnect':
      return trans.__('Disconnect from Google Drive');
    case 'versions':
      return trans.__('Versions of %1', baseName(page.path));
  }
}

/** Stands behind a page, and says once that it is drawn: how long that takes, nobody knows. */
function Drawn({ turn, then }: { turn: number; then: () => void }): null {
  useLayoutEffect(then, [turn]);
  return null;
}

class Body extends ReactWidget {
  constructor(
    private readonly _desk: Desk,
    private readonly _close: () => void,
    /** Goes to the panel instead. */
    private readonly _leave: (page: Page) => void,
    private _page: DialogPage
  ) {
    super();
  }

  /** Tells something on the page. */
  readonly tell = (message: string, autoClose: number | false): void => {
    window.clearTimeout(this._timer);
    this._notice = message;
    this.update();
    if (autoClose !== false) {
      this._timer = window.setTimeout(() => this.tell('', false), autoClose);
    }
  };

  override dispose(): void {
    window.clearTimeout(this._timer);
    super.dispose();
  }

  turn(page: Page): void {
    if (page.name === 'details') {
      // Not while a page is being drawn, which may be who asks.
      window.setTimeout(() => this._leave(page));
      return;
    }
    this._page = page;
    this._notice = '';
    this._turns += 1;
    this.update();
  }

  /** Goes to the page's safe button, else to its heading. */
  focus(): void {
    const target =
      this.node.querySelector<HTMLElement>('[data-autofocus]') ?? this.node.querySelector('h2');
    target?.focus();
  }

  protected override render(): React.JSX.Element {
    const page = this._page;
    return (
      <>
        <header className="jp-DriveSync-head">
          <h2 id="jp-DriveSync-title" tabIndex={-1}>
            <UseSignal signal={this._desk.model.changed}>
              {() => <>{title(page, this._desk)}</>}
            </UseSignal>
          </h2>
          <button
            type="button"
            className="jp-DriveSync-close"
            aria-label={this._desk.trans.__('Close')}
            onClick={this._close}
          >
            ×
          </button>
        </header>
        <p className="jp-DriveSync-notice" role="status">
          {this._notice}
        </p>
        <UseSignal signal={this._desk.model.changed}>
          {() => (
            <Content
              page={page}
              desk={this._desk}
              turn={next => this.turn(next)}
              close={this._close}
            />
          )}
        </UseSignal>
        <Drawn turn={this._turns} then={() => this.focus()} />
      </>
    );
  }

  private _notice = '';
  private _turns = 0;
  private _timer = 0;
}

let shown: { node: HTMLDialogElement; body: Body } | null = null;

/** Opens the dialog at a page, or turns the open one to it. */
export function openDialog(desk: Desk, page: DialogPage): HTMLDialogElement {
  if (shown) {
    shown.body.turn(page);
    return shown.node;
  }
  const node = document.createElement('dialog');
  node.className = 'jp-DriveSync-dialog';
  node.setAttribute('aria-labelledby', 'jp-DriveSync-title');
  let opener = document.activeElement;
  const leave = (to: Page): void => {
    opener = null; // The panel takes the focus.
    node.close();
    desk.open(to);
  };
  const body = new Body(desk, () => node.close(), leave, page);
  body.addClass('jp-DriveSync-page');
  shown = { node, body };
  desk.toasts.dismiss();
  desk.toasts.host = body.tell;
  document.body.append(node);
  Widget.attach(body, node);
  node.addEventListener('close', () => {
    shown = null;
    desk.toasts.host = null;
    Widget.detach(body);
    body.dispose();
    node.remove();
    if (opener instanceof HTMLElement && opener.isConnected) {
      opener.focus();
    }
  });
  // Jupyter's shortcuts are for what lies below.
  node.addEventListener('keydown', event => event.stopPropagation());
  node.showModal();
  body.turn(page);
  return node;
}
