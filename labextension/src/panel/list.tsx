/** A list of any length: what is seen is drawn, what is needed is asked for. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useRef, useState } from 'react';
import type { IPage } from '../contract';

/** Items that the server tells at once. */
export const PAGE = 500;
/** Rows that are drawn beyond what is seen, above and below. */
const BEYOND = 20;
/** Heights of a row in pixels: one line, as in Jupyter's own lists, or a path and two of a reason. */
export const ROW = { line: 25, reason: 62 } as const;

/** Props of {@link WindowList}. */
export interface IWindowListProps<T> {
  /** Changes when another list is shown. */
  of: string;
  /** Brings a page, from an offset on, which is a whole number of pages. */
  load: (offset: number) => Promise<IPage<T>>;
  row: keyof typeof ROW;
  /** Rows that have room; the list is lower where there are fewer. */
  rows: number;
  draw: (item: T) => React.ReactNode;
  /** What is said of the chosen item below the list, and what can be done with it. */
  detail?: (item: T) => React.ReactNode;
  label: string;
  empty: React.ReactNode;
  trans: TranslationBundle;
}

interface IKnown<T> {
  total: number;
  pages: ReadonlyMap<number, readonly T[]>;
}

function at<T>(known: IKnown<T>, index: number): T | undefined {
  return known.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
}

/** The list: one stop for Tab, arrows within. */
export function WindowList<T>(props: IWindowListProps<T>): React.JSX.Element {
  const { of, trans } = props;
  const height = ROW[props.row];
  const [known, setKnown] = useState<IKnown<T> | null>(null);
  const [lost, setLost] = useState(false);
  const [top, setTop] = useState(0);
  const [active, setActive] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const edition = useRef(0);
  const asked = useRef(new Set<number>());
  const load = useRef(props.load);
  load.current = props.load;
  // The row that a key or a click has chosen, until it has the focus.
  const walked = useRef<number | null>(null);

  const ask = (page: number): void => {
    if (asked.current.has(page)) {
      return;
    }
    asked.current.add(page);
    const mine = edition.current;
    load.current(page * PAGE).then(
      ({ total, files }) => {
        if (mine === edition.current) {
          setLost(false);
          setKnown(old => ({
            total,
            pages: new Map(page === 0 || old === null ? [] : old.pages).set(page, files)
          }));
        }
      },
      () => {
        if (mine === edition.current) {
          asked.current.delete(page);
          setLost(true);
        }
      }
    );
  };

  useEffect(() => {
    edition.current += 1;
    asked.current = new Set();
    setTop(0);
    setActive(0);
    if (box.current) {
      box.current.scrollTop = 0;
    }
    ask(0);
    return () => {
      edition.current += 1;
    };
  }, [of]);

  const total = known?.total ?? 0;
  const room = Math.min(total, props.rows) * height;
  const first = Math.max(0, Math.floor(top / height) - BEYOND);
  const last = Math.min(total, Math.ceil((top + room) / height) + BEYOND);

  useEffect(() => {
    if (known !== null) {
      ask(Math.floor(first / PAGE));
      ask(Math.floor(Math.max(0, last - 1) / PAGE));
    }
  }, [first, last, known]);

  useEffect(() => {
    // Of a drawing before that choice, an effect may come late: it must not take the old row.
    const row = box.current?.querySelector<HTMLElement>('[data-active]');
    if (walked.current === active && row) {
      walked.current = null;
      row.focus({ preventScroll: true });
    }
  });

  if (known === null) {
    return lost ? (
      <p className="jp-DriveSync-empty">{trans.__('The list could not be read right now.')}</p>
    ) : (
      <div className="jp-DriveSync-list" style={{ height }} aria-busy="true" />
    );
  }
  if (total === 0) {
    return <div className="jp-DriveSync-empty">{props.empty}</div>;
  }

  const go = (to: number): void => {
    const next = Math.min(total - 1, Math.max(0, to));
    const node = box.current;
    if (node) {
      if (next * height < node.scrollTop) {
        node.scrollTop = next * height;
      } else if ((next + 1) * height > node.scrollTop + room) {
        node.scrollTop = (next + 1) * height - room;
      }
      setTop(node.scrollTop);
    }
    walked.current = next;
    setActive(next);
  };
  const onKey = (event: React.KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + props.rows,
      PageUp: active - props.rows,
      Home: 0,
      End: total - 1
    };
    const to = steps[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      go(to);
    }
  };
  const rows: React.ReactNode[] = [];
  for (let index = first; index < last; index += 1) {
    const item = at(known, index);
    rows.push(
      <div
        key={index}
        className={`jp-DriveSync-row jp-mod-${props.row}`}
        role="listitem"
        aria-setsize={total}
        aria-posinset={index + 1}
        tabIndex={index === active ? 0 : -1}
        data-active={index === active ? '' : undefined}
        style={{ height }}
        onClick={() => go(index)}
      >
        {item === undefined ? null : props.draw(item)}
      </div>
    );
  }
  const chosen = at(known, active);
  return (
    <>
      <div
        ref={box}
        className="jp-DriveSync-list"
        role="list"
        // The chosen row is the stop; where it is scrolled out of sight, the list itself is.
        tabIndex={active >= first && active < last ? -1 : 0}
        aria-label={props.label}
        style={{ height: room }}
        onKeyDown={onKey}
        onScroll={event => setTop(event.currentTarget.scrollTop)}
      >
        <div style={{ height: first * height }} role="presentation" />
        {rows}
        <div style={{ height: (total - last) * height }} role="presentation" />
      </div>
      {props.detail && chosen !== undefined && (
        <div className="jp-DriveSync-detail">{props.detail(chosen)}</div>
      )}
    </>
  );
}
