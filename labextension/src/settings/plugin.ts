/** Our place in the settings editor. What is set there is kept by the server, and nowhere else. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IFormRendererRegistry } from '@jupyterlab/ui-components';
import React from 'react';
import { type Desk, IDesk } from '../desk';

/** The id of our settings with each property that has a form of our own. */
export const BACKUP = 'jupyter-drive-sync:plugin.backup';
export const MARKS = 'jupyter-drive-sync:plugin.marks';

/** What the settings editor hands to a field. */
interface IFieldProps {
  formData?: unknown;
  onChange?: (value: unknown) => void;
}

/** A part of the form, loaded when the settings are first opened. */
function Loaded(props: {
  draw: (form: typeof import('./form')) => React.JSX.Element;
}): React.JSX.Element {
  const [form, setForm] = React.useState<typeof import('./form') | null>(null);
  React.useEffect(() => {
    void import('./form').then(setForm);
  }, []);
  return form ? props.draw(form) : React.createElement('div');
}

export const settingsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-drive-sync:settings',
  description: 'The form of the backup in the settings editor.',
  autoStart: true,
  requires: [IDesk],
  optional: [IFormRendererRegistry],
  activate: (_, desk: Desk, forms: IFormRendererRegistry | null) => {
    forms?.addRenderer(BACKUP, {
      fieldRenderer: () =>
        React.createElement(Loaded, {
          draw: ({ BackupSettings }) => React.createElement(BackupSettings, { desk })
        })
    });
    forms?.addRenderer(MARKS, {
      fieldRenderer: ({ formData, onChange }: IFieldProps) =>
        React.createElement(Loaded, {
          draw: ({ MarksSetting }) =>
            React.createElement(MarksSetting, {
              desk,
              value: typeof formData === 'string' ? formData : 'exceptions',
              take: value => onChange?.(value)
            })
        })
    });
  }
};
