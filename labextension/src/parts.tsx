/** The pieces that panel and dialog share. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useRef } from 'react';
import { count } from './format';
import { type Shape, StateIcon } from './icons';
import { plain } from './plain';

/** A button; one on each page is primary. */
export function Button(props: {
  children: React.ReactNode;
  onClick: () => void;
  kind?: 'primary' | 'warn' | 'plain' | 'link';
  disabled?: boolean;
  title?: string;
  /** Takes the focus when it appears. */
  autoFocus?: boolean;
}): React.JSX.Element {
  const node = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (props.autoFocus) {
      node.current?.focus();
    }
  }, []);
  return (
    <button
      ref={node}
      type="button"
      className={`jp-DriveSync-button jp-mod-${props.kind ?? 'plain'}`}
      onClick={props.onClick}
      disabled={props.disabled}
      title={props.title}
      data-autofocus={props.autoFocus ? '' : undefined}
    >
      {props.children}
    </button>
  );
}

/** What is wrong or waits: shape, sentence, one button. */
export function Banner(props: {
  shape: Shape;
  children: React.ReactNode;
  action?: React.ReactNode;
}): React.JSX.Element {
  return (
    <div className="jp-DriveSync-banner" data-state={props.shape}>
      <StateIcon shape={props.shape} />
      <div className="jp-DriveSync-banner-text">{props.children}</div>
      {props.action}
    </div>
  );
}

/** How far a sync is. */
export function Bar(props: {
  share: number | null;
  text: string;
  label: string;
}): React.JSX.Element {
  const percent = props.share === null ? undefined : Math.floor(props.share * 100);
  return (
    <div
      className="jp-DriveSync-bar"
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={props.text}
    >
      <div className="jp-DriveSync-bar-fill" style={{ width: `${percent ?? 0}%` }} />
    </div>
  );
}

/** Characters at the end of a path that are never cut. */
const END = 14;

/** A path that is cut in its middle when there is no room: its end tells most. */
export function Path({ path }: { path: string }): React.JSX.Element {
  const shown = plain(path);
  const cut = Math.max(0, shown.length - END);
  return (
    <span className="jp-DriveSync-path" title={shown}>
      <span className="jp-DriveSync-path-head">{shown.slice(0, cut)}</span>
      <span className="jp-DriveSync-path-end">{shown.slice(cut)}</span>
    </span>
  );
}

/** Characters of a name that has room in whole, beside what is said of it in 250 pixels. */
const NAME = 16;

/** A path in a narrow place: its folders are cut first, a long name in its middle. */
export function Tail({ path }: { path: string }): React.JSX.Element {
  const shown = plain(path);
  const slash = shown.replace(/\/$/, '').lastIndexOf('/');
  const cut = shown.length - slash - 1 <= NAME ? Math.max(0, slash) : shown.length - END;
  return (
    <span className="jp-DriveSync-path jp-DriveSync-tail" title={shown}>
      <span className="jp-DriveSync-path-head">{shown.slice(0, cut)}</span>
      <span className="jp-DriveSync-path-end">{shown.slice(cut)}</span>
    </span>
  );
}

/** A number with its noun and thousands apart. */
export function files(number: number, trans: TranslationBundle): string {
  return trans._n('%2 file', '%2 files', number, count(number));
}
