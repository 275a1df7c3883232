/** What waits for the person: what happened, which files, and the choices, the safe one first. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';
import type { Choice, IHold } from '../contract';
import type { IPageProps } from '../dialog';
import { count, moment, size } from '../format';
import { holdWords } from '../holds';
import { Button, files as filesWords, Path } from '../parts';

/** Files that are asked for at most; beyond them there is only the whole. */
const MOST = 5_000;

interface IFolder {
  name: string;
  files: number;
  bytes: number;
}

/** Groups files by their folder. */
export function grouped(items: readonly { path: string; size: number }[]): IFolder[] {
  const folders = new Map<string, IFolder>();
  for (const { path, size: bytes } of items) {
    const cut = path.lastIndexOf('/');
    const name = cut < 0 ? path : path.slice(0, cut);
    const folder = folders.get(name) ?? { name, files: 0, bytes: 0 };
    folder.files += 1;
    folder.bytes += bytes;
    folders.set(name, folder);
  }
  return [...folders.values()].sort((a, b) => b.files - a.files || a.name.localeCompare(b.name));
}

/** The words on the button of a choice: a verb and a place. */
export function choiceWords(
  choice: Choice,
  kind: string,
  number: number,
  trans: TranslationBundle
): string {
  switch (choice) {
    case 'restore':
      return trans.__('Bring back to my home');
    case 'keep':
      return kind === 'moved_out'
        ? trans.__('Leave them where they are')
        : trans.__('Keep on Drive only');
    case 'trash':
      return trans._n(
        "Move %2 file to Drive's trash",
        "Move %2 files to Drive's trash",
        number,
        count(number)
      );
    case 'take_over':
      return trans.__('Go on in this folder');
    case 'second_folder':
      return trans.__('Use a second folder');
    case 'start_afresh':
      return kind === 'moved_out'
        ? trans.__('Copy them to Drive again')
        : trans.__('Start afresh in a new folder');
    case 'untrash':
      return trans.__("Take it out of Drive's trash");
    case 'disconnect':
      return trans.__('Disconnect');
  }
}

/** What a choice leads to, in a sentence. */
export function consequence(
  choice: Choice,
  kind: string,
  folder: string,
  trans: TranslationBundle
): string {
  switch (choice) {
    case 'restore':
      return kind === 'other_home'
        ? trans.__(
            'Everything in %1 is copied here, over nothing of yours, and this home goes on with it; the other home no longer can.',
            folder
          )
        : trans.__('They are copied back from Drive.');
    case 'keep':
      return kind === 'moved_out'
        ? trans.__('They stay as they are, and are not copied again.')
        : trans.__('They stay on your Drive; your home stays as it is.');
    case 'trash':
      return trans.__('You can take them out of it again for 30 days.');
    case 'take_over':
      return trans.__('This home goes on with what is there; the other home no longer can.');
    case 'second_folder':
      return trans.__('This home gets a folder of its own beside it.');
    case 'start_afresh':
      return kind === 'moved_out'
        ? trans.__('A new copy of each is made in %1.', folder)
        : trans.__('Everything is copied once more; what is on Drive now stays there.');
    case 'untrash':
      return trans.__('It comes back with all that is in it, and syncing goes on.');
    case 'disconnect':
      return trans.__('Nothing is deleted, here or on Drive; our access here ends.');
  }
}

/** Choices that do not take anything away come first. */
const ORDER: readonly Choice[] = [
  'restore',
  'untrash',
  'second_folder',
  'keep',
  'start_afresh',
  'take_over',
  'disconnect',
  'trash'
];

/** The page. */
export function Review({
  desk,
  turn,
  close,
  hold: id
}: IPageProps & { hold: string }): React.JSX.Element {
  const { trans, model } = desk;
  const hold: IHold | undefined = model.status?.holds.find(each => each.id === id);
  const [items, setItems] = useState<{ path: string; size: number }[] | null>(null);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    let stale = false;
    const load = async (): Promise<void> => {
      const all: { path: string; size: number }[] = [];
      for (;;) {
        const page = await model.client.heldFiles(id, all.length);
        all.push(...page.files);
        if (page.files.length === 0 || all.length >= Math.min(MOST, page.total)) {
          break;
        }
      }
      if (!stale) {
        setItems(all);
      }
    };
    load().catch(() => {
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
  const folders = grouped(items ?? []);
  const whole = off.size === 0 || (items?.length ?? 0) < hold.count;
  const number = whole
    ? hold.count
    : folders.filter(each => !off.has(each.name)).reduce((sum, each) => sum + each.files, 0);
  const answer = async (choice: Choice): Promise<void> => {
    if (choice === 'trash' && !sure) {
      setSure(true);
      return;
    }
    setBusy(true);
    const paths = whole
      ? undefined
      : (items ?? [])
          .map(item => item.path)
          .filter(
            path => !off.has(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : path)
          );
    const done = await desk.release(hold.id, choice, paths);
    setBusy(false);
    if (done) {
      turn({ name: 'details' });
    }
  };
  const choices = ORDER.filter(choice => hold.choices.includes(choice));
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
      <p>{holdWords(hold, Date.now(), trans)}</p>
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
        <ul
          className="jp-DriveSync-folders"
          tabIndex={0}
          aria-label={trans.__('Folders and files')}
        >
          {folders.map(folder => (
            <li key={folder.name}>
              <label>
                <input
                  type="checkbox"
                  checked={!off.has(folder.name)}
                  disabled={(items?.length ?? 0) < hold.count}
                  onChange={event => {
                    const next = new Set(off);
                    if (event.currentTarget.checked) {
                      next.delete(folder.name);
                    } else {
                      next.add(folder.name);
                    }
                    setOff(next);
                  }}
                />
                <Path path={folder.name} />
              </label>
              <span className="jp-DriveSync-row-said">
                {filesWords(folder.files, trans)}, {size(folder.bytes)}
              </span>
            </li>
          ))}
        </ul>
      )}
      <ul className="jp-DriveSync-choices">
        {choices.map((choice, at) => (
          <li key={choice}>
            <Button
              kind={at === 0 ? 'primary' : choice === 'trash' ? 'warn' : 'plain'}
              autoFocus={at === 0}
              disabled={busy || (number === 0 && hold.count > 0)}
              onClick={() => void answer(choice)}
            >
              {choiceWords(choice, hold.kind, number, trans)}
            </Button>
            <span>{consequence(choice, hold.kind, model.status?.drive_folder ?? '', trans)}</span>
          </li>
        ))}
      </ul>
      <footer className="jp-DriveSync-actions">
        <span className="jp-DriveSync-space" />
        <Button kind="link" onClick={close}>
          {trans.__('Decide later')}
        </Button>
      </footer>
    </div>
  );
}
