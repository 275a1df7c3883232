/** Marks on the rows of the file browser, drawn through its own renderer. */
import { DirListing, type FileBrowser, type IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { outcomeWords, reasonWords } from '../reasons';
import type { Folders, IStanding } from './folders';

/** Which rows get a mark. */
export type Shown = 'exceptions' | 'all' | 'none';

/** What a mark means, in words. */
export function standingWords(standing: IStanding, trans: TranslationBundle): string {
  const { shape, why } = standing;
  switch (shape) {
    case 'synced':
      return trans.__('synced');
    case 'waiting':
      return why?.code
        ? trans.__(
            'not synced this time, tried again at the next sync: %1',
            reasonWords(why, trans)
          )
        : trans.__('waits for the next sync');
    case 'newer':
      return trans.__('newer on Drive, left as it is');
    case 'failed':
      return trans.__('not synced: %1', why ? reasonWords(why, trans) : '');
    case 'left_out':
      return why?.outcome === 'declined'
        ? outcomeWords(why, trans)
        : trans.__('left out: %1', why ? reasonWords(why, trans) : '');
  }
}

type Renderer = DirListing.IRenderer;

/** The list within a browser. */
function listingOf(browser: FileBrowser): DirListing | undefined {
  return (browser as unknown as { listing?: DirListing }).listing;
}

/** Draws marks, without a node of its own: those of the listing are used again for other files. */
export class Marks implements IDisposable {
  constructor(
    private readonly _folders: Folders,
    private readonly _browsers: IFileBrowserFactory['tracker'],
    private readonly _trans: TranslationBundle
  ) {
    this._wrap(DirListing.defaultRenderer);
    _browsers.forEach(browser => this._adopt(browser));
    _browsers.widgetAdded.connect(this._onAdded, this);
    _folders.changed.connect(this._onChange, this);
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._browsers.widgetAdded.disconnect(this._onAdded, this);
    this._browsers.forEach(browser => browser.model.pathChanged.disconnect(this._onPath, this));
    this._folders.changed.disconnect(this._onChange, this);
    this.draw('none');
    this._wrapped.forEach(each => each.dispose());
  }

  /** Draws all rows anew, with other marks where that is wanted. */
  draw(shown = this._shown): void {
    this._shown = shown;
    this._browsers.forEach(browser => this._drawRows(browser));
  }

  private _adopt(browser: FileBrowser): void {
    const listing = listingOf(browser);
    if (listing?.renderer) {
      this._wrap(listing.renderer);
    }
    browser.model.pathChanged.connect(this._onPath, this);
    this._folders.look();
    // What was drawn before we came.
    listing?.update();
  }

  private _wrap(renderer: Renderer): void {
    if (this._wrapped.has(renderer)) {
      return;
    }
    const own = Object.getOwnPropertyDescriptor(renderer, 'updateItemNode');
    const before: Renderer['updateItemNode'] = renderer.updateItemNode;
    renderer.updateItemNode = (...args) => {
      before.apply(renderer, args);
      const [node, item] = args;
      this._rows.set(node, item);
      this._drawRow(renderer, node, item);
    };
    this._wrapped.set(
      renderer,
      new DisposableDelegate(() => {
        if (own) {
          Object.defineProperty(renderer, 'updateItemNode', own);
        } else {
          delete (renderer as Partial<Renderer>).updateItemNode;
        }
      })
    );
  }

  private _drawRow(renderer: Renderer, node: HTMLElement, item: Contents.IModel): void {
    const standing = this._shown === 'none' ? null : this._folders.standing(item);
    const plain = !standing || (standing.shape === 'synced' && this._shown !== 'all');
    const words = plain ? '' : standingWords(standing, this._trans);
    const title = node.title.split(SEPARATOR)[0] ?? '';
    const named = renderer.getNameNode(node) as HTMLElement | null;
    if (plain) {
      delete node.dataset.driveSync;
      named?.removeAttribute('aria-description');
    } else {
      node.dataset.driveSync = standing.shape;
      named?.setAttribute('aria-description', `${this._trans.__('Google Drive')}: ${words}`);
    }
    const told = plain ? title : `${title}${SEPARATOR}${this._trans.__('Google Drive')}: ${words}`;
    if (told !== node.title) {
      node.title = told;
    }
  }

  private _drawRows(browser: FileBrowser): void {
    const listing = listingOf(browser);
    for (const node of listing?.contentNode.children ?? []) {
      const item = this._rows.get(node);
      if (listing && item && node instanceof HTMLElement) {
        this._drawRow(listing.renderer, node, item);
      }
    }
  }

  private _onPath(): void {
    this._folders.look();
  }

  private _onAdded(_: unknown, browser: FileBrowser): void {
    this._adopt(browser);
  }

  private _onChange(_: Folders, path: string): void {
    this._browsers.forEach(browser => {
      if (this._folders.home(browser.model.path) === path) {
        this._drawRows(browser);
      }
    });
  }

  private readonly _wrapped = new Map<Renderer, IDisposable>();
  private readonly _rows = new WeakMap<Element, Contents.IModel>();
  private _shown: Shown = 'exceptions';
  private _disposed = false;
}

/** Between what Jupyter says of a row when the pointer rests on it, and what we add. */
const SEPARATOR = '\n\u200b';
