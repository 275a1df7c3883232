/** Marks and menu of the file browser, as a plugin that can be switched off alone. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { type Desk, IDesk } from '../desk';
import type { Item } from './folders';
import type { Shown } from './marks';

/** The notebook that is open, as the file browser would have it. */
function openItem(notebooks: INotebookTracker | null): Item | null {
  const model = notebooks?.currentWidget?.context.contentsModel;
  return model ? { ...model } : null;
}

export const browserPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-drive-sync:browser',
  description: 'Marks in the file browser, and its menu "Google Drive".',
  autoStart: true,
  requires: [IDesk, IFileBrowserFactory],
  optional: [ICommandPalette, INotebookTracker, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    desk: Desk,
    browsers: IFileBrowserFactory,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    registry: ISettingRegistry | null
  ) => {
    const start = async (): Promise<void> => {
      await app.restored;
      const { addToBrowser } = await import('.');
      const marks = addToBrowser(app, desk, browsers, palette, () => openItem(notebooks));
      const settings = await registry?.load('jupyter-drive-sync:plugin');
      const draw = (): void => marks.draw((settings?.composite.marks ?? 'exceptions') as Shown);
      settings?.changed.connect(draw);
      draw();
    };
    void start();
  }
};
