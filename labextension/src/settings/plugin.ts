/** Our place in the settings editor. What is set there is kept by the server, and nowhere else. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IFormRendererRegistry } from '@jupyterlab/ui-components';
import React from 'react';
import { type Desk, IDesk } from '../desk';

/** The id of our settings, and in it the property that the form stands for. */
export const BACKUP = 'jupyter-drive-sync:plugin.backup';

function Loaded({ desk }: { desk: Desk }): React.JSX.Element {
  const [form, setForm] = React.useState<typeof import('./form') | null>(null);
  React.useEffect(() => {
    // Loaded when the settings are first opened.
    void import('./form').then(setForm);
  }, []);
  return form ? React.createElement(form.BackupSettings, { desk }) : React.createElement('div');
}

export const settingsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-drive-sync:settings',
  description: 'The form of the backup in the settings editor.',
  autoStart: true,
  requires: [IDesk],
  optional: [IFormRendererRegistry],
  activate: (_, desk: Desk, forms: IFormRendererRegistry | null) => {
    forms?.addRenderer(BACKUP, { fieldRenderer: () => React.createElement(Loaded, { desk }) });
  }
};
