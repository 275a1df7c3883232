/** What waits for the person: what happened, which files, and the choices, the safe one first. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useMemo, useState } from 'react';
import type { Choice, IHold, IPage } from '../contract';
import type { IPageProps } from '../dialog';
import { count, moment, size } from '../format';
import { holdWords } from '../holds';
import { Button, files as filesWords } from '../parts';
import { plain } from '../plain';
import { Choices, choiceWords } from './choices';

/** Files that are asked for at most; beyond them there is only the whole. */
const MOST = 5_000;

/** A folder of held files, with all that lies below it. */
export interface IFolder {
  /** Below the home; of files outside of folders, the file's own. */
  path: string;
  /** What is shown below the folder above. */
  name: string;
  files: number;
  bytes: number;
  folders: IFolder[];
  /** Files in this very folder. */
  own: string[];
}

interface IHeld {
  path: string;
  size: number;
}

/** Puts files into the tree of their folders, the fullest first; lone folders in one row. */
export function grouped(items: readonly IHeld[]): IFolder[] {
  const root: IFolder = { path: '', name: '', files: 0, bytes: 0, folders: [], own: [] };
  const known = new Map<string, IFolder>([['', root]]);
  const folderAt = (path: string): IFolder => {
    const there = known.get(path);
    if (there) {
      return there;
    }
    const cut = path.lastIndexOf('/');
    const made = { path, name: path.slice(cut + 1), files: 0, bytes: 0, folders: [], own: [] };
    known.set(path, made);
    folderAt(cut < 0 ? '' : path.slice(0, cut)).folders.push(made);
    return made;
  };
  for (const { path, size: bytes } of items) {
    const cut = path.lastIndexOf('/');
    // A file outside of folders is a row of its own.
    let at = cut < 0 ? path : path.slice(0, cut);
    folderAt(at).own.push(path);
    for (;;) {
      const folder = folderAt(at);
      folder.files += 1;
      folder.bytes += bytes;
      if (at === '') {
        break;
      }
      const up = at.lastIndexOf('/');
      at = up < 0 ? '' : at.slice(0, up);
    }
  }
  return tidy(root.folders);
}

function tidy(folders: readonly IFolder[]): IFolder[] {
  return folders
    .map(folder => {
      let one = folder;
      let { name } = folder;
      while (one.own.length === 0 && one.folders.length === 1 && one.folders[0]) {
        one = one.folders[0];
        name += `/${one.name}`;
      }
      return { ...one, name, folders: tidy(one.folders) };
    })
    .sort((a, b) => b.files - a.files || a.path.localeCompare(b.path));
}

/** How much of a folder is chosen, where `off` holds the folders whose files are not. */
export function chosenIn(folder: IFolder, off: ReadonlySet<string>): 'all' | 'some' | 'none' {
  const parts = folder.folders.map(each => chosenIn(each, off));
  if (folder.own.length > 0) {
    parts.push(off.has(folder.path) ? 'none' : 'all');
  }
  return parts.every(part => part === 'all')
    ? 'all'
    : parts.every(part => part === 'none')
      ? 'none'
      : 'some';
}

/** The folders of a tree that hold files themselves. */
function holders(folder: IFolder): string[] {
  const below = folder.folders.flatMap(holders);
  return folder.own.length > 0 ? [folder.path, ...below] : below;
}

/** What is chosen, in as few paths as say it: whole folders, else their files. */
export function chosenPaths(folders: readonly IFolder[], off: ReadonlySet<string>): string[] {
  return folders.flatMap(folder => {
    switch (chosenIn(folder, off)) {
      case 'all':
        return [folder.path];
      case 'none':
        return [];
      case 'some':
        return [...(off.has(folder.path) ? [] : folder.own), ...chosenPaths(folder.folders, off)];
    }
  });
}

function countChosen(folders: readonly IFolder[], off: ReadonlySet<string>): number {
  return folders.reduce(
    (sum, folder) =>
      sum + (off.has(folder.path) ? 0 : folder.own.length) + countChosen(folder.folders, off),
    0
  );
}

/** A folder of the tree, and what is open below it. */
function Node(props: {
  folder: IFolder;
  off: ReadonlySet<string>;
  /** Whether the answer may be about a part; else there is nothing to tick. */
  parts: boolean;
  disabled: boolean;
  begin: boolean;
  onOff: (off: ReadonlySet<string>) => void;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { folder, off, parts, disabled, onOff, trans } = props;
  const [open, setOpen] = useState(props.begin);
  const chosen = chosenIn(folder, off);
  const name = <span className="jp-DriveSync-node-name">{plain(folder.name)}</span>;
  return (
    <li>
      <div className="jp-DriveSync-node">
        {folder.folders.length > 0 ? (
          <button
            type="button"
            className="jp-DriveSync-turn"
            aria-expanded={open}
            aria-label={trans.__('Open %1', folder.name)}
            onClick={() => setOpen(!open)}
          >
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
              <path d="M6 4l4 4-4 4" fill="none" stroke="currentColor" strokeWidth="1.5" />
            </svg>
          </button>
        ) : (
          <span className="jp-DriveSync-turn" />
        )}
        {parts ? (
          <label title={plain(folder.path)}>
            <input
              type="checkbox"
              checked={chosen !== 'none'}
              ref={node => {
                if (node) {
                  node.indeterminate = chosen === 'some';
                }
              }}
              disabled={disabled}
              onChange={() => {
                const next = new Set(off);
                for (const path of holders(folder)) {
                  if (chosen === 'all') {
                    next.add(path);
                  } else {
                    next.delete(path);
                  }
                }
                onOff(next);
              }}
            />
            {name}
          </label>
        ) : (
          <span className="jp-DriveSync-node-label" title={plain(folder.path)}>
            {name}
          </span>
        )}
        <span className="jp-DriveSync-row-said">
          {filesWords(folder.files, trans)}, {size(folder.bytes)}
        </span>
      </div>
      {open && folder.folders.length > 0 && (
        <ul>
          {folder.folders.map(each => (
            <Node key={each.path} {...props} folder={each} begin={false} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** What is asked of whoever holds something back. */
interface IHolder {
  /** Brings a page of the held files. */
  files: (offset: number) => Promise<IPage<IHeld>>;
  /** Takes the answer; tells whether it was taken. */
  release: (choice: Choice, paths?: readonly string[]) => Promise<boolean>;
  /** On Drive, where the files lie. */
  folder: string;
}

/** What is held, by folder, and the choices; the same for the backup and for a storage. */
export function Decide({
  desk,
  turn,
  close,
  hold,
  holder,
  children
}: IPageProps & {
  hold: Omit<IHold, 'paths_href'> | undefined;
  holder: IHolder;
  /** Stands above it. */
  children?: React.ReactNode;
}): React.JSX.Element {
  const { trans } = desk;
  const id = hold?.id ?? '';
  const [items, setItems] = useState<{ path: string; size: number }[] | null>(null);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const folders = useMemo(() => grouped(items ?? []), [items]);
  useEffect(() => {
    let stale = false;
    const load = async (): Promise<void> => {
      const all: { path: string; size: number }[] = [];
      for (;;) {
        const page = await holder.files(all.length);
        all.push(...page.files);
        if (page.files.length === 0 || all.length >= Math.min(MOST, page.total)) {
          break;
        }
      }
      if (!stale) {
        setItems(all);
      }
    };
    (id === '' ? Promise.resolve() : load()).catch(() => {
      if (!stale) {
        setItems([]);
      }
    });
    return () => {
      stale = true;
    };
  }, [id]);

  if (!hold) {
    return (
      <div className="jp-DriveSync-body">
        <p>{trans.__('This is settled; nothing waits for you here.')}</p>
        <footer className="jp-DriveSync-actions">
          <span className="jp-DriveSync-space" />
          <Button kind="primary" autoFocus onClick={() => turn({ name: 'details' })}>
            {trans.__('See how things stand')}
          </Button>
        </footer>
      </div>
    );
  }
  const whole = off.size === 0 || (items?.length ?? 0) < hold.count;
  const number = whole ? hold.count : countChosen(folders, off);
  const answer = async (choice: Choice): Promise<void> => {
    if (choice === 'trash' && !sure) {
      setSure(true);
      return;
    }
    setBusy(true);
    const paths = whole ? undefined : chosenPaths(folders, off);
    const done = await holder.release(choice, paths);
    setBusy(false);
    if (done) {
      turn({ name: 'details' });
    }
  };
  if (sure) {
    return (
      <div className="jp-DriveSync-body">
        <p>
          {trans._n(
            "%2 file goes to Drive's trash. There you have 30 days to undo it.",
            "%2 files go to Drive's trash. There you have 30 days to undo it.",
            number,
            count(number)
          )}
        </p>
        <footer className="jp-DriveSync-actions">
          <span className="jp-DriveSync-space" />
          <Button autoFocus onClick={() => setSure(false)}>
            {trans.__('Back')}
          </Button>
          <Button kind="warn" disabled={busy || number === 0} onClick={() => void answer('trash')}>
            {choiceWords('trash', hold.kind, number, trans)}
          </Button>
        </footer>
      </div>
    );
  }
  return (
    <div className="jp-DriveSync-body">
      {children}
      <p>{holdWords({ ...hold, paths_href: '' }, Date.now(), trans)}</p>
      {hold.count > 0 && (
        <p className="jp-DriveSync-secondary">
          {trans.__(
            '%1, %2, since %3',
            filesWords(hold.count, trans),
            size(hold.bytes),
            moment(hold.since, Date.now(), trans)
          )}
        </p>
      )}
      {items === null && <div className="jp-DriveSync-skeleton" />}
      {folders.length > 0 && (
        <div className="jp-DriveSync-tree" role="group" aria-label={trans.__('Folders and files')}>
          <ul>
            {folders.map(folder => (
              <Node
                key={folder.path}
                folder={folder}
                off={off}
                parts={hold.kind === 'deletions'}
                disabled={(items?.length ?? 0) < hold.count}
                begin={folders.length === 1}
                onOff={setOff}
                trans={trans}
              />
            ))}
          </ul>
        </div>
      )}
      <Choices
        hold={hold}
        number={number}
        folder={holder.folder}
        disabled={busy || (number === 0 && hold.count > 0)}
        answer={choice => void answer(choice)}
        trans={trans}
      />
      <footer className="jp-DriveSync-actions">
        <span className="jp-DriveSync-space" />
        <Button kind="link" onClick={close}>
          {trans.__('Decide later')}
        </Button>
      </footer>
    </div>
  );
}

/** What the backup holds back until the person has answered. */
export function Review({ hold: id, ...page }: IPageProps & { hold: string }): React.JSX.Element {
  const { desk } = page;
  const { status, client } = desk.model;
  return (
    <Decide
      {...page}
      hold={status?.holds.find(each => each.id === id)}
      holder={{
        files: offset => client.heldFiles(id, offset),
        release: (choice, paths) => desk.release(id, choice, paths),
        folder: status?.drive_folder ?? ''
      }}
    />
  );
}
