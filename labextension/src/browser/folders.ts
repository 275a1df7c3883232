/** How the files that are shown stand: one request for each folder, none for a row. */
import type { Contents } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { Refused, Unreachable } from '../client';
import type { IFileOutcome, IFolder, IMark } from '../contract';
import type { DriveSyncModel } from '../model';

/** What is drawn on a row. */
export type MarkShape = 'waiting' | 'failed' | 'left_out' | 'newer' | 'synced';

/** How a file or folder stands. */
export interface IStanding {
  shape: MarkShape;
  /** Why; null where the shape says it all. */
  why: IFileOutcome | null;
}

/** What of a contents model matters here. */
export type Item = Pick<Contents.IModel, 'name' | 'path' | 'type' | 'size' | 'last_modified'>;

/** Milliseconds by which two times of one file may differ: Jupyter rounds, we cut. */
const ROUNDING = 1;
/** Milliseconds within which reasons to ask again are answered by one request. */
export const CALM = 400;
/** Folders that are remembered. */
const KEPT = 20;

const SHAPES: Record<IMark['outcome'], MarkShape> = {
  waiting: 'waiting',
  failed: 'failed',
  left_out: 'left_out',
  declined: 'left_out',
  newer_on_drive: 'newer'
};

/** A folder as the server described it. */
interface IKnown {
  folder: IFolder;
  mirrored: Map<string, [number, number]>;
  marks: Map<string, IMark>;
  /** New names of which the server was asked once more: a rule may leave them out. */
  asked: Set<string>;
  /** The state of the server that it is of. */
  seq: number;
}

function parent(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Whether a file is as it was copied; where Jupyter does not tell, the server's word counts. */
function isSame(item: Item, [size, time]: [number, number]): boolean {
  if (typeof item.size === 'number' && item.size !== size) {
    return false;
  }
  const modified = Date.parse(item.last_modified);
  return Number.isNaN(modified) || Math.abs(modified - time) <= ROUNDING;
}

/** Knows how the entries of the shown folders stand, and notices what may have changed. */
export class Folders implements IDisposable {
  /**
   * @param local takes what Jupyter puts before the paths of a drive away; null for another place.
   * @param shown the folders that are in view, as Jupyter calls them.
   */
  constructor(
    private readonly _model: DriveSyncModel,
    private readonly _local: (path: string) => string | null,
    shown: () => readonly string[]
  ) {
    this._shown = () =>
      shown()
        .map(path => this.home(path))
        .filter(path => path !== null);
    _model.changed.connect(this._onChange, this);
  }

  /** Emitted with the path of a folder of which something else is known now. */
  get changed(): ISignal<this, string> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    window.clearTimeout(this._timer);
    Signal.clearData(this);
  }

  /**
   * Where a path of Jupyter's lies below the home.
   *
   * @returns null where it does not, or where nobody knows yet.
   */
  home(path: string): string | null {
    const root = this._model.status?.root;
    const local = this._local(path);
    if (root === undefined || root === null || local === null) {
      return null;
    }
    return [root, local].filter(part => part !== '').join('/');
  }

  /** How a row stands; null where nothing is to be said of it. */
  standing(item: Item): IStanding | null {
    const path = this.home(item.path);
    const status = this._model.status;
    if (path === null || !status?.connected || status.last_sync === null) {
      return null;
    }
    const known = this._known.get(parent(path));
    if (!known?.folder.known) {
      return null;
    }
    if (known.folder.left_out) {
      return { shape: 'left_out', why: known.folder.left_out };
    }
    const mark = known.marks.get(path);
    if (mark && (mark.outcome === 'failed' || SHAPES[mark.outcome] === 'left_out')) {
      return { shape: SHAPES[mark.outcome], why: mark };
    }
    if (item.type === 'directory') {
      // An empty one is on no Drive.
      return mark ? { shape: SHAPES[mark.outcome], why: mark } : null;
    }
    if (mark?.outcome === 'waiting' && mark.code !== '') {
      // It could not be copied once; the next sync tries again.
      return { shape: 'waiting', why: mark };
    }
    const copied = known.mirrored.get(item.name);
    if (!copied || !isSame(item, copied)) {
      this._wonder(known, copied ? '' : item.name);
      return { shape: 'waiting', why: null };
    }
    return mark ? { shape: SHAPES[mark.outcome], why: mark } : { shape: 'synced', why: null };
  }

  /** Sees to it that the folders in view are known. */
  look(): void {
    for (const path of this._shown()) {
      const known = this._known.get(path);
      if (known) {
        // The one that was looked at last goes last.
        this._known.delete(path);
        this._known.set(path, known);
      } else {
        void this._ask(path);
      }
    }
  }

  /** Asks anew about the folders in view, soon. */
  again(): void {
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => {
      for (const path of this._shown()) {
        void this._ask(path);
      }
    }, CALM);
  }

  /** A name that is new here: a rule may leave it out, so the server is asked, once for each. */
  private _wonder(known: IKnown, name: string): void {
    if (name !== '' && !known.asked.has(name)) {
      known.asked.add(name);
      this.again();
    }
  }

  private _onChange(): void {
    const status = this._model.status;
    if (!status?.connected || this._model.syncing || document.hidden) {
      return;
    }
    const stale = [...this._known.values()].some(known => known.seq !== status.seq);
    if (this._known.size === 0) {
      this.look();
    } else if (stale && this._seq !== status.seq) {
      this._seq = status.seq;
      for (const path of this._known.keys()) {
        if (!this._shown().includes(path)) {
          this._known.delete(path);
        }
      }
      this.again();
    }
  }

  private async _ask(path: string): Promise<void> {
    const status = this._model.status;
    if (this._disposed || this._asking.has(path) || !status?.connected) {
      return;
    }
    this._asking.add(path);
    try {
      const folder = await this._model.client.folder(path);
      const before = this._known.get(path);
      this._known.delete(path);
      this._known.set(path, {
        folder,
        mirrored: new Map(folder.mirrored.map(([name, size, time]) => [name, [size, time]])),
        marks: new Map(folder.marks.map(mark => [mark.path, mark])),
        asked: before?.asked ?? new Set(),
        seq: status.seq
      });
      for (const old of [...this._known.keys()].slice(0, -KEPT)) {
        this._known.delete(old);
      }
    } catch (problem) {
      if (problem instanceof Refused) {
        this._known.delete(path);
      } else if (!(problem instanceof Unreachable)) {
        throw problem;
      }
      // A server that is away keeps its last word; what is touched meanwhile waits all the same.
      return;
    } finally {
      this._asking.delete(path);
    }
    if (!this.isDisposed) {
      this._changed.emit(path);
    }
  }

  private readonly _shown: () => readonly string[];
  private readonly _changed = new Signal<this, string>(this);
  private readonly _known = new Map<string, IKnown>();
  private readonly _asking = new Set<string>();
  private _seq = -1;
  private _timer = 0;
  private _disposed = false;
}
