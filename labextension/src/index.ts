/** The plugins: one model for the page, and each place where it shows. */
import { loaded, spanned, stands } from './spans';
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { FileBrowser } from '@jupyterlab/filebrowser';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import { browserPlugin } from './browser/plugin';
import { StateButton, StatusItem } from './button';
import { Client } from './client';
import { Desk, IDesk } from './desk';
import { Announcer, Endings } from './endings';
import { cloudIcon } from './icons';
import { DriveSyncModel } from './model';
import { Side } from './panel/side';
import { CALM, Prompt } from './prompt';
import { Toasts } from './toasts';
import { offeredPlugin } from './offered';
import { settingsPlugin } from './settings/plugin';

export { IDriveSync, type IDriveSyncState } from './tokens';

/** The name of our toolbar item, in both toolbars. */
const ITEM = 'drive-sync';

/** Our commands. */
export const COMMANDS = {
  sync: 'drive-sync:sync',
  details: 'drive-sync:details',
  authorize: 'drive-sync:authorize',
  exclude: 'drive-sync:leave-out',
  disconnect: 'drive-sync:disconnect'
} as const;

const NO_ARGUMENTS = { args: { type: 'object', properties: {} } };

/** Saves what is open, so that the sync copies what the person sees. */
async function save(context: DocumentRegistry.Context | undefined): Promise<void> {
  if (context?.model.dirty && !context.model.readOnly) {
    await context.save();
  }
}

function addCommands(
  app: JupyterFrontEnd,
  desk: Desk,
  palette: ICommandPalette | null,
  notebooks: INotebookTracker | null
): void {
  const { commands } = app;
  const { model, trans } = desk;
  const connected = (): boolean => model.status?.connected ?? false;
  commands.addCommand(COMMANDS.sync, {
    label: trans.__('Sync to Google Drive now'),
    icon: cloudIcon,
    describedBy: NO_ARGUMENTS,
    isEnabled: () => connected() && !model.syncing,
    execute: async () => {
      await save(notebooks?.currentWidget?.context);
      await desk.sync();
    }
  });
  commands.addCommand(COMMANDS.details, {
    label: trans.__('Google Drive'),
    caption: trans.__('How your backup to Google Drive stands'),
    icon: cloudIcon,
    describedBy: NO_ARGUMENTS,
    execute: () => desk.open({ name: 'details' })
  });
  commands.addCommand(COMMANDS.authorize, {
    label: trans.__('Authorize Google Drive…'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => model.status !== null && !connected(),
    execute: () => desk.open({ name: 'preview' })
  });
  commands.addCommand(COMMANDS.exclude, {
    label: trans.__('Leave out folders…'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => model.status !== null,
    execute: () => desk.open({ name: 'exclude' })
  });
  commands.addCommand(COMMANDS.disconnect, {
    label: trans.__('Disconnect…'),
    describedBy: NO_ARGUMENTS,
    isEnabled: connected,
    execute: () => desk.open({ name: 'disconnect' })
  });
  let before = '';
  model.changed.connect(() => {
    const now = `${connected()} ${model.syncing} ${model.status !== null}`;
    if (now !== before) {
      before = now;
      Object.values(COMMANDS).forEach(command => commands.notifyCommandChanged(command));
    }
  });
  for (const command of Object.values(COMMANDS)) {
    palette?.addItem({ command, category: trans.__('Google Drive') });
  }
}

/** The model, the commands, the panel, the dialog, the prompt and the toasts. */
const core: JupyterFrontEndPlugin<Desk> = {
  id: 'jupyter-drive-sync:plugin',
  description: 'Mirrors the home to Google Drive: state, commands, panel, dialog, prompt.',
  autoStart: true,
  provides: IDesk,
  optional: [
    ITranslator,
    ICommandPalette,
    IToolbarWidgetRegistry,
    IStatusBar,
    INotebookTracker,
    ILayoutRestorer
  ],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    toolbars: IToolbarWidgetRegistry | null,
    statusBar: IStatusBar | null,
    notebooks: INotebookTracker | null,
    restorer: ILayoutRestorer | null
  ): Desk => {
    const trans = (translator ?? nullTranslator).load('jupyter_drive_sync');
    const { serviceManager } = app;
    const model = new DriveSyncModel({
      client: new Client(serviceManager.serverSettings),
      events: serviceManager.events.stream,
      failures: serviceManager.connectionFailure
    });
    const desk = new Desk(model, trans, new Toasts());
    // What they show is loaded when it is first opened.
    const side = new Side(desk, app.restored);
    app.shell.add(side, 'left', { rank: 300 });
    restorer?.add(side, side.id);
    desk.opened.connect((_, page) => {
      if (page.name === 'details') {
        void side.turn(page);
        // Notebook 7.2 takes a second call to its shell for "close it again".
        if (side.isVisible) {
          side.activate();
        } else {
          app.shell.activateById(side.id);
        }
      } else {
        void import('./dialog').then(({ openDialog }) => openDialog(desk, page));
      }
    });
    addCommands(app, desk, palette, notebooks);
    toolbars?.addFactory<NotebookPanel>(
      'Notebook',
      ITEM,
      ({ context }) => new StateButton(desk, () => save(context))
    );
    toolbars?.addFactory<FileBrowser>('FileBrowser', ITEM, () => new StateButton(desk));
    statusBar?.registerStatusItem('jupyter-drive-sync:status', {
      align: 'left',
      rank: 100,
      item: new StatusItem(desk),
      isActive: () => true
    });
    void app.restored.then(() => {
      stands();
      new Announcer(desk);
      new Endings(desk);
      window.setTimeout(() => new Prompt(desk, UUID.uuid4()).start(), CALM);
    });
    return desk;
  }
};

loaded();

export default [
  spanned(core),
  spanned(offeredPlugin),
  spanned(browserPlugin),
  spanned(settingsPlugin)
];
