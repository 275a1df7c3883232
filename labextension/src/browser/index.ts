/** The file browser's part, loaded once the page stands. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { FileBrowser, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { Desk } from '../desk';
import { Folders, type Item } from './folders';
import { Marks } from './marks';
import { IN_PALETTE, ITEM_COMMANDS, Menu, selectedIn } from './menu';

/**
 * Adds marks and menu to the file browser.
 *
 * @param open the document that is open, for commands when nothing is selected.
 */
export function addToBrowser(
  app: JupyterFrontEnd,
  desk: Desk,
  factory: IFileBrowserFactory,
  palette: ICommandPalette | null,
  open: () => Item | null
): Marks {
  const { commands } = app;
  const { contents } = app.serviceManager;
  const { tracker } = factory;
  const shown = (): string[] => {
    const paths: string[] = [];
    tracker.forEach((browser: FileBrowser) => {
      paths.push(browser.model.path);
    });
    return paths;
  };
  const local = (path: string): string | null => {
    // The drive of live collaboration shows the same files; any other one is another place.
    const drive = contents.driveName(path);
    return drive === '' || drive === 'RTC' ? contents.localPath(path) : null;
  };
  const folders = new Folders(desk.model, local, shown);
  const chosen = (): Item[] => {
    const selected = selectedIn(tracker.currentWidget);
    const document = selected.length === 0 ? open() : null;
    return document ? [document] : selected;
  };
  const menu = new Menu(desk, folders, chosen, () => rest(tracker.currentWidget));
  menu.add(commands);
  const told = (): void => {
    Object.values(ITEM_COMMANDS).forEach(command => commands.notifyCommandChanged(command));
  };
  folders.changed.connect(told);
  for (const command of IN_PALETTE) {
    palette?.addItem({ command, category: desk.trans.__('Google Drive') });
  }
  return new Marks(folders, tracker, desk.trans);
}

/** Gives the focus back to the chosen row, where a menu that is gone has left it to nobody. */
function rest(browser: FileBrowser | null): void {
  if (document.activeElement === null || document.activeElement === document.body) {
    browser?.node
      .querySelector<HTMLElement>('.jp-DirListing-item.jp-mod-selected .jp-DirListing-itemText')
      ?.focus();
  }
}
