/** The pieces that the pages of the dialog share. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useCallback, useEffect, useRef, useState } from 'react';
import type { IFileOutcome, IPage } from './contract';
import { count } from './format';
import { type Shape, StateIcon } from './icons';
import { outcomeWords } from './reasons';

/** Height of a row in pixels, as in Jupyter's own lists. */
export const ROW = 25;
/** Rows that are drawn beyond what is seen, above and below. */
const BEYOND = 20;

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
  const cut = Math.max(0, path.length - END);
  return (
    <span className="jp-DriveSync-path" title={path}>
      <span className="jp-DriveSync-path-head">{path.slice(0, cut)}</span>
      <span className="jp-DriveSync-path-end">{path.slice(cut)}</span>
    </span>
  );
}

/** A long list of files: only what is seen is drawn; one stop for Tab, arrows within. */
export function FileList(props: {
  /** Brings a page, from an offset on. */
  load: (offset: number) => Promise<IPage<IFileOutcome>>;
  /** Changes when another list is shown. */
  of: string;
  trans: TranslationBundle;
  empty: string;
  label: string;
  rowAction?: {
    label: string;
    act: (file: IFileOutcome) => void;
    on: (file: IFileOutcome) => boolean;
  };
}): React.JSX.Element {
  const { load, of, trans, rowAction } = props;
  const [files, setFiles] = useState<IFileOutcome[] | null>(null);
  const [total, setTotal] = useState(0);
  const [top, setTop] = useState(0);
  const [active, setActive] = useState(0);
  const [lost, setLost] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const loading = useRef(false);
  const loader = useRef(load);
  loader.current = load;

  useEffect(() => {
    let stale = false;
    setTop(0);
    setActive(0);
    loader.current(0).then(
      page => {
        if (!stale) {
          setFiles(page.files);
          setTotal(page.total);
          setLost(false);
        }
      },
      () => {
        if (!stale) {
          setLost(true);
        }
      }
    );
    return () => {
      stale = true;
    };
  }, [of]);

  const height = 8 * ROW;
  const more = useCallback(
    (upTo: number) => {
      const known = files?.length ?? 0;
      if (loading.current || known >= total || upTo < known) {
        return;
      }
      loading.current = true;
      loader
        .current(known)
        .then(
          page => setFiles(old => [...(old ?? []), ...page.files]),
          () => setLost(true)
        )
        .finally(() => {
          loading.current = false;
        });
    },
    [files, total]
  );

  if (lost && files === null) {
    return (
      <p className="jp-DriveSync-empty">{trans.__('The list could not be read right now.')}</p>
    );
  }
  if (files === null) {
    return <div className="jp-DriveSync-list" style={{ height: ROW }} aria-busy="true" />;
  }
  if (files.length === 0) {
    return <p className="jp-DriveSync-empty">{props.empty}</p>;
  }
  const first = Math.max(0, Math.floor(top / ROW) - BEYOND);
  const last = Math.min(files.length, Math.ceil((top + height) / ROW) + BEYOND);
  const go = (to: number): void => {
    const next = Math.min(files.length - 1, Math.max(0, to));
    setActive(next);
    more(next + BEYOND);
    const box = list.current;
    if (box) {
      if (next * ROW < box.scrollTop) {
        box.scrollTop = next * ROW;
      } else if ((next + 1) * ROW > box.scrollTop + box.clientHeight) {
        box.scrollTop = (next + 1) * ROW - box.clientHeight;
      }
    }
  };
  const onKey = (event: React.KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + 8,
      PageUp: active - 8,
      Home: 0,
      End: files.length - 1
    };
    const to = steps[event.key];
    if (to !== undefined && event.target === event.currentTarget) {
      event.preventDefault();
      go(to);
    }
  };
  const chosen = files[active];
  // A reason that has no room in its row is read here.
  const told = files[0] !== undefined && hasReason(files[0]);
  return (
    <>
      <div
        ref={list}
        className="jp-DriveSync-list"
        role="list"
        tabIndex={0}
        aria-label={props.label}
        style={{ maxHeight: height }}
        onKeyDown={onKey}
        onScroll={event => {
          setTop(event.currentTarget.scrollTop);
          more(Math.ceil((event.currentTarget.scrollTop + height) / ROW) + BEYOND);
        }}
      >
        <div style={{ height: first * ROW }} role="presentation" />
        {files.slice(first, last).map((file, at) => {
          const index = first + at;
          const said = outcomeWords(file, trans);
          return (
            <div
              key={`${file.outcome} ${file.path}`}
              className="jp-DriveSync-row"
              role="listitem"
              aria-setsize={total}
              aria-posinset={index + 1}
              data-active={index === active ? '' : undefined}
              data-outcome={file.outcome}
              onClick={() => setActive(index)}
            >
              <Path path={file.path} />
              <span className="jp-DriveSync-row-said" title={said}>
                {said}
              </span>
              {rowAction?.on(file) && (
                <button
                  type="button"
                  className="jp-DriveSync-row-action"
                  aria-label={`${rowAction.label} ${file.path}`}
                  onClick={() => rowAction.act(file)}
                >
                  {rowAction.label}
                </button>
              )}
            </div>
          );
        })}
        <div style={{ height: (files.length - last) * ROW }} role="presentation" />
      </div>
      {told && (
        <p className="jp-DriveSync-reason" aria-live="polite">
          {chosen && hasReason(chosen) && (
            <>
              <strong>{chosen.path}</strong>: {outcomeWords(chosen, trans)}
            </>
          )}
        </p>
      )}
    </>
  );
}

function hasReason(file: IFileOutcome): boolean {
  return file.outcome === 'failed' || file.outcome === 'left_out';
}

/** A number with its noun and thousands apart. */
export function files(number: number, trans: TranslationBundle): string {
  return trans._n('%2 file', '%2 files', number, count(number));
}
