/** Files that are not the same here and on Drive, each with what can be done about it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';
import type { ApartKind, IApart } from '../contract';
import type { Desk } from '../desk';
import { baseName, moment, size } from '../format';
import { Button, Tail } from '../parts';
import { plain } from '../plain';
import { outcomeWords } from '../reasons';
import { bringCopy, Failed } from '../versions';
import { problemWords } from '../view';
import { WindowList } from './list';

/** What a kind means, in a sentence above its list. */
export function apartWords(kind: ApartKind, trans: TranslationBundle): string {
  switch (kind) {
    case 'replaced':
      return trans.__(
        'Somebody changed these on Drive, and a newer file of yours took their place. Drive has the edits as versions.'
      );
    case 'newer':
      return trans.__('Somebody changed these on Drive; your files here were left as they are.');
    case 'archived':
      return trans.__('These are gone here and were kept on Drive.');
    case 'unclaimed':
      return trans.__('These lie in your folder on Drive, and nothing here belongs to them.');
    case 'declined':
      return trans.__('These were removed on Drive twice, and are not copied again.');
  }
}

/** What a list says that has nothing in it. */
export function noneWords(kind: ApartKind, trans: TranslationBundle): string {
  switch (kind) {
    case 'replaced':
      return trans.__('No edits were replaced.');
    case 'newer':
      return trans.__('Nothing is newer on Drive.');
    case 'archived':
    case 'unclaimed':
    case 'declined':
      return trans.__('Nothing is on Drive alone.');
  }
}

function detailWords(file: IApart, kind: ApartKind, trans: TranslationBundle): string {
  const at = file.at === null ? '' : moment(file.at, Date.now(), trans);
  switch (kind) {
    case 'replaced':
      return file.kept
        ? trans.__('replaced %1; that version is kept for good', at)
        : trans.__('replaced %1; Drive keeps that version for 30 days', at);
    case 'newer':
      return trans.__('changed on Drive %1', at);
    case 'archived':
    case 'unclaimed':
    case 'declined':
      return at === '' ? size(file.size) : trans.__('%1, changed %2', size(file.size), at);
  }
}

/** Brings a file, or a version of it, and says what became of it. */
async function bring(desk: Desk, file: IApart): Promise<void> {
  const { trans } = desk;
  try {
    const done = await bringCopy(desk.model, file.path, file.revision);
    const said = done ? outcomeWords(done, trans) : trans.__('it is here already');
    desk.toasts.show(`${plain(baseName(file.path))}: ${said}`, 'success', 5000);
  } catch (problem) {
    const why =
      problem instanceof Failed
        ? problemWords(problem.problem, desk.model.status, Date.now(), trans).sentence
        : desk.whyNot(problem);
    desk.toasts.show(why, 'error', false);
  }
}

function bringWords(kind: ApartKind, trans: TranslationBundle): string {
  switch (kind) {
    case 'replaced':
      return trans.__('Bring back as a copy');
    case 'newer':
      return trans.__('Bring here');
    case 'archived':
    case 'unclaimed':
      return trans.__('Bring back to my home');
    case 'declined':
      return '';
  }
}

function Detail(props: { desk: Desk; file: IApart; kind: ApartKind }): React.JSX.Element {
  const { desk, file, kind } = props;
  const { trans } = desk;
  const [busy, setBusy] = useState(false);
  const words = bringWords(kind, trans);
  return (
    <>
      <p>
        <strong>{plain(file.path)}</strong>: {detailWords(file, kind, trans)}
      </p>
      <div className="jp-DriveSync-actions">
        {words !== '' && (
          <Button
            disabled={busy || desk.model.syncing}
            onClick={() => {
              setBusy(true);
              void bring(desk, file).finally(() => setBusy(false));
            }}
          >
            {words}
          </Button>
        )}
        {(kind === 'replaced' || kind === 'newer') && (
          <Button kind="link" onClick={() => desk.open({ name: 'versions', path: file.path })}>
            {trans.__('See changes')}
          </Button>
        )}
        {file.link !== '' && (
          <Button kind="link" onClick={() => desk.browse(file.link)}>
            {trans.__('Open on Drive')}
          </Button>
        )}
      </div>
    </>
  );
}

/** The files of one kind. */
export function ApartList(props: {
  desk: Desk;
  kind: ApartKind;
  /** How many there are; null while nobody knows. */
  number: number | null;
  /** Changes when they may be others. */
  over: string;
  title: string;
}): React.JSX.Element {
  const { desk, kind, number } = props;
  const { trans, model } = desk;
  if (number === null) {
    return <div className="jp-DriveSync-skeleton jp-mod-line" />;
  }
  if (number === 0) {
    return <p className="jp-DriveSync-empty">{noneWords(kind, trans)}</p>;
  }
  return (
    <>
      <p>{apartWords(kind, trans)}</p>
      <WindowList<IApart>
        of={`${kind} ${props.over} ${number}`}
        load={offset => model.client.apart(kind, offset)}
        row="line"
        rows={8}
        label={props.title}
        empty={noneWords(kind, trans)}
        trans={trans}
        draw={file => (
          <>
            <Tail path={file.path} />
            <span className="jp-DriveSync-row-said">
              {file.at === null ? size(file.size) : moment(file.at, Date.now(), trans)}
            </span>
          </>
        )}
        detail={file => (
          <Detail key={`${file.path} ${file.revision}`} desk={desk} file={file} kind={kind} />
        )}
      />
    </>
  );
}
