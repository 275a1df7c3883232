/** When the next sync is, and what puts it off. */
import React from 'react';
import type { ISettings } from '../contract';
import type { Desk } from '../desk';
import { Button } from '../parts';
import { atTime } from '../view';

const DAY = 86_400;

function zones(current: string): string[] {
  const all = Intl.supportedValuesOf('timeZone');
  return all.includes(current) ? all : [current, ...all];
}

function whenWords(desk: Desk, stuck: boolean): string {
  const { trans, model } = desk;
  const { status } = model;
  if (desk.view().action === 'reconnect') {
    return trans.__('Nothing new is copied until you reconnect.');
  }
  if (stuck) {
    return trans.__('Nothing is copied until you choose.');
  }
  if (status?.paused) {
    const until = status.paused_by === 'user' ? (status.paused_until ?? -1) : -1;
    return until > 0
      ? trans.__('Syncing goes on %1.', atTime(until, Date.now(), trans))
      : trans.__('No sync is planned while it is paused.');
  }
  const next = status?.next_run ?? null;
  return next === null
    ? trans.__('No sync is planned; you can start one at any time.')
    : trans.__('The next sync begins %1.', atTime(next, Date.now(), trans));
}

/** The next sync. */
export function Next(props: { desk: Desk; settings: ISettings | null }): React.JSX.Element {
  const { desk, settings } = props;
  const { trans, model } = desk;
  const { status } = model;
  const zone = status?.time_zone ?? '';
  const { action } = desk.view();
  // The state's own button does the same, or something that has to come first.
  const offered = action !== null && ['sync', 'files', 'reconnect', 'copy_admin'].includes(action);
  const stuck = status?.status === 'failed' && status.holds.length > 0;
  const free = status?.connected === true && !status.paused;
  const set = async (change: Parameters<typeof model.client.patchSettings>[0]): Promise<void> => {
    await desk.attempt(() => model.client.patchSettings(change));
    await model.refresh();
  };
  return (
    <>
      <p>{whenWords(desk, stuck)}</p>
      <div className="jp-DriveSync-actions">
        {free && !model.syncing && !offered && !stuck && (
          <Button onClick={() => void desk.sync()}>{trans.__('Sync now')}</Button>
        )}
        {free && (
          <>
            {!model.syncing && !stuck && (
              <Button kind="link" onClick={() => desk.open({ name: 'plan' })}>
                {trans.__('What would it do?')}
              </Button>
            )}
            <Button
              kind="link"
              onClick={() => void set({ paused_until: Math.round(Date.now() / 1000) + DAY })}
            >
              {trans.__('Pause for a day')}
            </Button>
            <Button kind="link" onClick={() => void set({ paused_until: -1 })}>
              {trans.__('Pause until I resume')}
            </Button>
          </>
        )}
      </div>
      <label className="jp-DriveSync-field">
        <span>{trans.__('Time zone')}</span>
        <select
          value={zone}
          disabled={settings === null || settings.by_admin.includes('time_zone')}
          title={
            settings?.by_admin.includes('time_zone') ? trans.__('set by your admin') : undefined
          }
          onChange={event => void set({ time_zone: event.currentTarget.value })}
        >
          {zones(zone).map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
    </>
  );
}
