/** One cloud, one shape inside it per state. Drawn in the text's colour: shape tells, not colour. */
import { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';
import type { State } from './contract';

export type Shape = State | 'unknown';

const CLOUD = 'M6.8 20.6a5.8 5.8 0 0 1-.9-11.5A7 7 0 0 1 19.2 10a5.4 5.4 0 0 1-.9 10.6z';

/** The inner shapes, as strokes around (12, 14.2) in a view box of 24. */
const INNER: Record<Shape, string> = {
  unknown: 'M8 14.4h.01M12 14.4h.01M16 14.4h.01',
  not_connected: 'M12 10.6v7.2M8.4 14.2h7.2',
  waiting: 'M12 10.4v4.1l2.9 1.9',
  syncing: 'M12 18.2v-7.4M8.6 14l3.4-3.4 3.4 3.4',
  synced: 'M8.2 14.4l2.8 2.8 5-5.4',
  needs_you: 'M12 9.8v4.6M12 17.8h.01',
  cant_sync: 'M9.2 11.4l5.6 5.6M14.8 11.4l-5.6 5.6',
  offline: 'M3.2 21.8L20.8 4.2',
  paused: 'M9.9 11.2v6M14.1 11.2v6'
};

const DASHED: readonly Shape[] = ['not_connected'];

function dash(shape: Shape): string | undefined {
  return DASHED.includes(shape) ? '3.2 2.4' : undefined;
}

function innerWidth(shape: Shape): number {
  return shape === 'unknown' || shape === 'needs_you' ? 2.8 : 2.2;
}

/** The icon as markup, for menus, the palette and tabs, which take a LabIcon. */
function markup(shape: Shape): string {
  const dashes = dash(shape);
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24" fill="none"' +
    ' stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">' +
    `<path d="${CLOUD}" stroke-width="1.7"${dashes ? ` stroke-dasharray="${dashes}"` : ''}/>` +
    `<path d="${INNER[shape]}" stroke-width="${innerWidth(shape)}"/></svg>`
  );
}

/** The icon of the state button's menu entries. */
export const cloudIcon = new LabIcon({
  name: 'jupyter-drive-sync:cloud',
  svgstr: markup('syncing')
});

/** Props of {@link StateIcon}. */
export interface IStateIconProps {
  shape: Shape;
  /** While syncing: the share that is done, 0 to 1; the cloud's outline fills by it. */
  share?: number;
}

/** The state as a picture; its name is said by whatever holds it. */
export function StateIcon({ shape, share }: IStateIconProps): React.JSX.Element {
  const ring = shape === 'syncing';
  return (
    <svg
      className="jp-DriveSync-icon"
      data-state={shape}
      viewBox="0 0 24 24"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path
        d={CLOUD}
        strokeWidth="1.7"
        strokeDasharray={dash(shape)}
        className={ring ? 'jp-DriveSync-track' : undefined}
      />
      {ring && (
        <path
          d={CLOUD}
          className="jp-DriveSync-ring"
          strokeWidth="2.8"
          pathLength={100}
          strokeDasharray={`${String(Math.round(Math.min(1, Math.max(0, share ?? 0)) * 100))} 100`}
          strokeLinecap="butt"
        />
      )}
      <path d={INNER[shape]} strokeWidth={innerWidth(shape)} />
    </svg>
  );
}
