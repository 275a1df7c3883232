/** The state as a button: in the toolbars of notebooks and of the file browser. */
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';
import type { Desk } from './desk';
import { StateIcon } from './icons';

/** How a click is answered, given what is shown. */
async function press(desk: Desk, save?: () => Promise<void>): Promise<void> {
  const view = desk.view();
  if (view.shape === 'unknown') {
    return;
  }
  if (view.shape === 'syncing' || view.shape === 'paused') {
    desk.open({ name: 'details' });
    return;
  }
  const useful = view.shape === 'offline' && view.action === 'sync';
  if (view.shape === 'synced' || view.shape === 'waiting' || useful) {
    await save?.();
    return desk.sync();
  }
  if (view.action === 'authorize' || view.action === 'reconnect' || view.action === 'review') {
    return desk.act(view.action);
  }
  desk.open({ name: 'details' });
}

/** What {@link StateButton} shows. */
export function Face(props: { desk: Desk; onPress: () => void }): React.JSX.Element {
  const { desk, onPress } = props;
  return (
    <UseSignal signal={desk.model.changed}>
      {() => {
        const view = desk.view();
        const name = `${view.label}: ${view.line}`;
        return (
          <button
            type="button"
            className="jp-DriveSync-stateButton"
            data-state={view.shape}
            title={view.shape === 'unknown' ? `${view.line}. ${view.headline}` : view.line}
            aria-label={name}
            aria-disabled={view.shape === 'unknown'}
            onClick={onPress}
          >
            <StateIcon shape={view.shape} share={view.share ?? 0} />
            <span className="jp-DriveSync-stateButton-label">{view.label}</span>
          </button>
        );
      }}
    </UseSignal>
  );
}

/** The button. */
export class StateButton extends ReactWidget {
  /**
   * @param save what has to be saved before a sync.
   */
  constructor(
    private readonly _desk: Desk,
    private readonly _save?: () => Promise<void>
  ) {
    super();
    this.addClass('jp-DriveSync-toolbarItem');
  }

  protected override render(): React.JSX.Element {
    return <Face desk={this._desk} onPress={() => void press(this._desk, this._save)} />;
  }
}

/** The status bar's item: one button, which opens the dialog. */
export class StatusItem extends ReactWidget {
  constructor(private readonly _desk: Desk) {
    super();
    this.addClass('jp-DriveSync-statusItem');
  }

  protected override render(): React.JSX.Element {
    const desk = this._desk;
    return (
      <UseSignal signal={desk.model.changed}>
        {() => {
          const view = desk.view();
          return (
            <button
              type="button"
              className="jp-DriveSync-statusButton"
              data-state={view.shape}
              title={view.headline}
              onClick={() => desk.open({ name: 'details' })}
            >
              <StateIcon shape={view.shape} share={view.share ?? 0} />
              <span>{view.line}</span>
            </button>
          );
        }}
      </UseSignal>
    );
  }
}
