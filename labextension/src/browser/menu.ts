/** What can be done with a file or folder: the menu "Google Drive" of the file browser. */
import type { FileBrowser } from '@jupyterlab/filebrowser';
import type { CommandRegistry } from '@lumino/commands';
import type { Desk } from '../desk';
import { baseName } from '../format';
import { reasonWords } from '../reasons';
import type { Folders, IStanding, Item } from './folders';
import { excluding, including, type IPlace } from './rules';

/** Commands on what is selected in the file browser. */
export const ITEM_COMMANDS = {
  authorize: 'drive-sync:authorize-here',
  open: 'drive-sync:open',
  colab: 'drive-sync:open-colab',
  link: 'drive-sync:copy-link',
  sync: 'drive-sync:sync-selected',
  versions: 'drive-sync:versions',
  exclude: 'drive-sync:toggle-exclude'
} as const;

/** Those that the palette offers too; the others say the same as a command that it has. */
export const IN_PALETTE: readonly string[] = [
  ITEM_COMMANDS.open,
  ITEM_COMMANDS.colab,
  ITEM_COMMANDS.link,
  ITEM_COMMANDS.sync,
  ITEM_COMMANDS.versions,
  ITEM_COMMANDS.exclude
];

/** Something that is selected. */
interface IChosen extends IPlace {
  item: Item;
  standing: IStanding | null;
}

/** What decides no rule that a person could lift. */
const FOR_GOOD: readonly string[] = [
  'left_out.secret',
  'left_out.state',
  'left_out.part',
  'left_out.link',
  'left_out.special',
  'left_out.filesystem',
  'left_out.too_large'
];

const NO_ARGUMENTS = { args: { type: 'object', properties: {} } };

/** Carries the menu out. */
export class Menu {
  /**
   * @param selected what is selected now, or, where nothing is, the open document.
   */
  constructor(
    private readonly _desk: Desk,
    private readonly _folders: Folders,
    private readonly _selected: () => readonly Item[],
    private readonly _rest: () => void = () => undefined
  ) {}

  /** Adds the commands. */
  add(commands: CommandRegistry): void {
    const { model, trans } = this._desk;
    const describedBy = NO_ARGUMENTS;
    const connected = (): boolean => model.status?.connected ?? false;
    const icons = { describedBy, isVisible: connected };
    const labelled = (label: string, why: () => string) => ({
      label: () => {
        const reason = connected() ? why() : '';
        return reason ? trans.__('%1 (%2)', label, reason) : label;
      },
      isEnabled: () => connected() && why() === ''
    });
    commands.addCommand(ITEM_COMMANDS.authorize, {
      label: trans.__('Authorize Google Drive…'),
      describedBy,
      isVisible: () => model.status !== null && !connected(),
      isEnabled: () => model.status !== null && !connected(),
      execute: () => this._desk.open({ name: 'preview' })
    });
    commands.addCommand(ITEM_COMMANDS.open, {
      ...labelled(trans.__('Open in Google Drive'), () => this._whyNoLink()),
      ...icons,
      execute: () => this._open('link')
    });
    commands.addCommand(ITEM_COMMANDS.colab, {
      ...labelled(trans.__('Open in Colab'), () => this._whyNoLink()),
      describedBy,
      isVisible: () => connected() && this._chosen().every(({ item }) => item.type === 'notebook'),
      execute: () => this._open('colab')
    });
    commands.addCommand(ITEM_COMMANDS.link, {
      ...labelled(trans.__('Copy link'), () => this._whyNoLink()),
      ...icons,
      execute: () => this._copyLink()
    });
    commands.addCommand(ITEM_COMMANDS.sync, {
      ...labelled(trans.__('Sync this now'), () => this._whyNoSync()),
      ...icons,
      execute: () => this._desk.sync(this._chosen().map(({ path }) => path))
    });
    commands.addCommand(ITEM_COMMANDS.versions, {
      ...labelled(trans.__('Versions…'), () => this._whyNoVersions()),
      describedBy,
      isVisible: () => connected() && this._chosen().every(({ folder }) => !folder),
      execute: () => {
        const [first] = this._chosen();
        if (first) {
          this._rest();
          this._desk.open({ name: 'versions', path: first.path });
        }
      }
    });
    commands.addCommand(ITEM_COMMANDS.exclude, {
      label: () => {
        const why = connected() ? this._whyNoRule() : '';
        const label = this._allOut() ? trans.__('Include') : trans.__('Exclude');
        return why ? trans.__('%1 (%2)', label, why) : label;
      },
      describedBy,
      isVisible: () => model.status !== null,
      isEnabled: () => this._whyNoRule() === '',
      execute: () => this._toggle()
    });
  }

  private _chosen(): IChosen[] {
    return this._selected().flatMap(item => {
      const path = this._folders.home(item.path);
      if (path === null || path === '') {
        return [];
      }
      const folder = item.type === 'directory';
      return [{ path, folder, item, standing: this._folders.standing(item) }];
    });
  }

  private _allOut(): boolean {
    const chosen = this._chosen();
    return chosen.length > 0 && chosen.every(({ standing }) => standing?.shape === 'left_out');
  }

  /** Why nothing can be done with what is selected; '' where it can. */
  private _whyNothing(chosen = this._chosen()): string {
    const { trans } = this._desk;
    if (chosen.length === 0) {
      return trans.__('nothing of your home is selected');
    }
    return '';
  }

  private _whyNoLink(): string {
    const { trans, model } = this._desk;
    const chosen = this._chosen();
    if (chosen.length > 1) {
      return trans.__('one at a time');
    }
    return (
      this._whyNothing(chosen) ||
      (model.status?.last_sync === null ? trans.__('not on Drive yet') : '')
    );
  }

  private _whyNoSync(): string {
    const { trans, model } = this._desk;
    if (model.status?.paused) {
      return trans.__('paused');
    }
    if (model.syncing) {
      return trans.__('a sync is running');
    }
    return this._whyNothing() || (this._allOut() ? trans.__('left out') : '');
  }

  private _whyNoVersions(): string {
    const { trans, model } = this._desk;
    const chosen = this._chosen();
    if (chosen.length > 1) {
      return trans.__('one at a time');
    }
    return (
      this._whyNothing(chosen) ||
      (model.status?.last_sync === null ? trans.__('not on Drive yet') : '')
    );
  }

  private _whyNoRule(): string {
    const chosen = this._chosen();
    const fixed = chosen.find(({ standing }) => FOR_GOOD.includes(standing?.why?.code ?? ''));
    const why = fixed?.standing?.why;
    return this._whyNothing(chosen) || (why ? reasonWords(why, this._desk.trans) : '');
  }

  private async _open(which: 'link' | 'colab'): Promise<void> {
    this._rest();
    const [first] = this._chosen();
    if (!first) {
      return;
    }
    const link = await this._find(first, which);
    if (link) {
      this._desk.browse(link);
    }
  }

  private async _copyLink(): Promise<void> {
    this._rest();
    const [first] = this._chosen();
    const link = first && (await this._find(first, 'link'));
    if (link) {
      await this._desk.copy(link);
    }
  }

  /** Where it lies on Drive; says so where it does not. */
  private async _find({ path }: IChosen, which: 'link' | 'colab'): Promise<string> {
    const { model, trans, toasts } = this._desk;
    const found = await this._desk.attempt(() => model.client.object(path));
    if (found?.[which] === '') {
      toasts.show(trans.__('%1 is not on Drive yet.', baseName(path)), 'info', 5000, [
        { label: trans.__('Sync this now'), callback: () => void this._desk.sync([path]) }
      ]);
    }
    return found?.[which] ?? '';
  }

  private async _toggle(): Promise<void> {
    this._rest();
    const { model, trans, toasts } = this._desk;
    const places = this._chosen();
    const include = this._allOut();
    const settings = await this._desk.attempt(() => model.client.getSettings());
    if (!settings || places.length === 0) {
      return;
    }
    if (settings.by_admin.includes('excludes')) {
      toasts.show(
        trans.__('Your admin has set what is left out; it cannot be changed here.'),
        'info',
        5000
      );
      return;
    }
    const before = settings.excludes;
    const excludes = include ? including(before, places) : excluding(before, places);
    if (!(await this._set(excludes))) {
      return;
    }
    const undo = { label: trans.__('Undo'), callback: () => void this._set(before) };
    const [first] = places;
    const name = places.length === 1 && first ? baseName(first.path) : '';
    if (!include) {
      const said = name
        ? trans.__('%1 is left out from now on. What is already on Drive stays there.', name)
        : trans._n(
            '%1 item is left out from now on. What is already on Drive stays there.',
            '%1 items are left out from now on. What is already on Drive stays there.',
            places.length
          );
      toasts.show(said, 'info', 5000, [undo]);
      return;
    }
    const why = await this._stillOut(places);
    toasts.show(
      why ||
        (name
          ? trans.__('%1 is copied from the next sync on.', name)
          : trans._n(
              '%1 item is copied from the next sync on.',
              '%1 items are copied from the next sync on.',
              places.length
            )),
      'info',
      why ? false : 5000,
      [undo]
    );
  }

  private async _set(excludes: string[]): Promise<boolean> {
    const { model } = this._desk;
    const done = await this._desk.attempt(() => model.client.patchSettings({ excludes }));
    this._folders.again();
    return done !== null;
  }

  /** Says which rule leaves something out all the same: one of a folder above, or the admin's. */
  private async _stillOut(places: readonly IPlace[]): Promise<string> {
    const { model, trans } = this._desk;
    for (const { path } of places) {
      const above = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      const folder = await this._desk.attempt(() => model.client.folder(above));
      const mark = folder?.left_out ?? folder?.marks.find(each => each.path === path);
      if (mark?.outcome === 'left_out') {
        return trans.__('%1 stays left out: %2.', baseName(path), reasonWords(mark, trans));
      }
    }
    return '';
  }
}

/** What is selected in a file browser. */
export function selectedIn(browser: FileBrowser | null): Item[] {
  return browser ? [...browser.selectedItems()] : [];
}
