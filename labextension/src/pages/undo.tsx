/** What undoing a sync takes back on Drive, before it does. */
import React, { useEffect, useState } from 'react';
import type { IUndoable } from '../contract';
import type { IPageProps } from '../dialog';
import { count, moment, size } from '../format';
import { Button, files as filesWords, Tail } from '../parts';
import { Failed, ended } from '../versions';
import { counter, problemWords } from '../view';

/** The page. */
export function UndoPage(props: IPageProps & { run?: number }): React.JSX.Element {
  const { desk, close } = props;
  const { trans, model } = desk;
  const [found, setFound] = useState<IUndoable | null>(null);
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState('');
  useEffect(() => {
    let stale = false;
    model.client.undoable(props.run).then(
      what => {
        if (!stale) {
          setFound(what);
        }
      },
      (problem: unknown) => {
        if (!stale) {
          setTrouble(desk.whyNot(problem));
        }
      }
    );
    return () => {
      stale = true;
    };
  }, [props.run]);
  const go = async (run: number): Promise<void> => {
    setBusy(true);
    try {
      const { result } = await ended(model, await model.client.undo(run));
      const counters = result?.counters ?? {};
      const back = counter(counters, 'untrashed') + counter(counters, 'put_back');
      const not = counter(counters, 'skipped');
      setDone(
        [
          trans._n('%2 file is back on Drive.', '%2 files are back on Drive.', back, count(back)),
          not > 0
            ? trans._n(
                '%2 file could not be taken back; the history says why.',
                '%2 files could not be taken back; the history says why.',
                not,
                count(not)
              )
            : ''
        ]
          .join(' ')
          .trim()
      );
    } catch (problem) {
      setTrouble(
        problem instanceof Failed
          ? problemWords(problem.problem, model.status, Date.now(), trans).sentence
          : desk.whyNot(problem)
      );
    }
    setBusy(false);
  };
  const over = done !== '' || trouble !== '';
  const uploaded = found ? counter(found.stays, 'uploaded') + counter(found.stays, 'moved') : 0;
  return (
    <div className="jp-DriveSync-body">
      {trouble !== '' ? (
        <p className="jp-DriveSync-trouble" role="alert">
          {trouble}
        </p>
      ) : done !== '' ? (
        <p role="status">{done}</p>
      ) : found === null ? (
        <div className="jp-DriveSync-skeleton" />
      ) : (
        <>
          <p>
            {trans.__(
              'What the sync of %1 trashed or replaced on Drive is taken back there: %2. Your files here are left alone.',
              found.started === null ? '?' : moment(found.started, Date.now(), trans, true),
              filesWords(found.total, trans)
            )}
          </p>
          <ul
            className="jp-DriveSync-folders"
            tabIndex={0}
            aria-label={trans.__('What is taken back')}
          >
            {found.files.map(file => (
              <li key={`${file.way} ${file.path}`}>
                <Tail path={file.path} />
                <span className="jp-DriveSync-row-said">
                  {file.way === 'untrash'
                    ? trans.__('out of the trash, %1', size(file.size))
                    : trans.__('the version before')}
                </span>
              </li>
            ))}
            {found.total > found.files.length && (
              <li>
                {trans._n(
                  'and %2 more',
                  'and %2 more',
                  found.total - found.files.length,
                  count(found.total - found.files.length)
                )}
              </li>
            )}
          </ul>
          {uploaded > 0 && (
            <p className="jp-DriveSync-secondary">
              {trans._n(
                '%2 file that it copied or moved stays as it is.',
                '%2 files that it copied or moved stay as they are.',
                uploaded,
                count(uploaded)
              )}
            </p>
          )}
        </>
      )}
      <footer className="jp-DriveSync-actions">
        <span className="jp-DriveSync-space" />
        <Button autoFocus kind={over ? 'primary' : 'plain'} onClick={close}>
          {over ? trans.__('Close') : trans.__('Cancel')}
        </Button>
        {!over && (
          <Button
            kind="primary"
            disabled={busy || found === null || model.syncing}
            onClick={() => void go(found?.run ?? 0)}
          >
            {busy ? trans.__('Undoing…') : trans.__('Undo on Drive')}
          </Button>
        )}
      </footer>
    </div>
  );
}
