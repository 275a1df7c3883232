/** The versions of one file that Drive has: what changed since, as a copy, back in place, for good. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';
import { Refused } from '../client';
import type { IDifference, IFileOutcome, IVersion, IVersions } from '../contract';
import type { Desk } from '../desk';
import type { IPageProps } from '../dialog';
import { baseName, count, moment, size } from '../format';
import { Banner, Button } from '../parts';
import { plain } from '../plain';
import { text } from '../wording';
import { outcomeWords } from '../reasons';
import { bringCopy, Failed, keepForGood, putBack } from '../versions';
import { problemWords } from '../view';

/** When a version was made, to the minute. */
function when(version: IVersion, trans: TranslationBundle): string {
  return moment(version.time, Date.now(), trans, true);
}

/** Says why a step did not work; what nobody foresaw is thrown on. */
function whyNot(problem: unknown, desk: Desk): string {
  if (problem instanceof Failed) {
    return problemWords(problem.problem, desk.model.status, Date.now(), desk.trans).sentence;
  }
  return desk.whyNot(problem);
}

/** What a difference cannot show, in words; '' where it has lines. */
function noLines(found: IDifference, trans: TranslationBundle): string {
  switch (found.how) {
    case 'same':
      return trans.__('It is the same as the file here.');
    case 'binary':
      return trans.__('It is no text, so the difference cannot be shown.');
    case 'large':
      return trans.__('It is too large to be compared here.');
    default:
      return '';
  }
}

/** The names of what stands before a line, for those who do not see colours. */
function signWords(sign: string, trans: TranslationBundle): string {
  return sign === '+' ? trans.__('added') : sign === '-' ? trans.__('removed') : '';
}

/** The lines that differ. */
export function Difference(props: {
  found: IDifference;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { found, trans } = props;
  const nothing = noLines(found, trans);
  if (nothing) {
    return <p>{nothing}</p>;
  }
  return (
    <>
      <p className="jp-DriveSync-secondary">
        {found.here
          ? trans.__('What changed from this version to the file as it is here:')
          : trans.__('What changed from this version to the current one on Drive:')}
      </p>
      <div
        className="jp-DriveSync-difference"
        role="group"
        tabIndex={0}
        aria-label={trans.__('Difference')}
      >
        {found.lines.map((line, at) => (
          <div key={at} data-sign={line.sign}>
            <span aria-hidden="true">{line.sign === '@' ? '' : line.sign}</span>
            {signWords(line.sign, trans) !== '' && (
              <span className="jp-DriveSync-live">{signWords(line.sign, trans)}</span>
            )}
            <code>{line.text.split('\t').map(plain).join('\t')}</code>
          </div>
        ))}
      </div>
      {found.lines_more > 0 && (
        <p className="jp-DriveSync-secondary">
          {trans._n(
            '%2 more line is not shown.',
            '%2 more lines are not shown.',
            found.lines_more,
            count(found.lines_more)
          )}
        </p>
      )}
    </>
  );
}

/** The page. */
export function Versions({ desk, path, close }: IPageProps & { path: string }): React.JSX.Element {
  const { trans, model } = desk;
  const [found, setFound] = useState<IVersions | null>(null);
  const [lost, setLost] = useState('');
  const [chosen, setChosen] = useState('');
  const [shown, setShown] = useState<IDifference | null>(null);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState('');
  const [told, setTold] = useState('');

  const load = async (): Promise<void> => {
    try {
      const now = await model.client.versions(path);
      setFound(now);
      setLost('');
      setChosen(before =>
        now.versions.some(({ id }) => id === before)
          ? before
          : ((now.versions[1] ?? now.versions[0])?.id ?? '')
      );
    } catch (problem) {
      if (problem instanceof Refused && problem.problem.code === 'restore.not_there') {
        setLost(trans.__('%1 is not on Drive yet.', baseName(path)));
      } else {
        setLost(whyNot(problem, desk));
      }
    }
  };
  useEffect(() => void load(), [path]);

  const version = found?.versions.find(({ id }) => id === chosen);
  const choose = (id: string): void => {
    setChosen(id);
    setShown(null);
    setAsking(false);
    setTold('');
  };

  /** Does one thing at a time, and says how it ended. */
  const work = async (label: string, step: () => Promise<string>): Promise<void> => {
    setBusy(label);
    setTold('');
    setAsking(false);
    try {
      setTold(await step());
    } catch (problem) {
      setTold(whyNot(problem, desk));
    }
    setBusy('');
    await load();
  };
  const copied = (file: IFileOutcome | null): string => {
    if (file?.outcome === 'beside') {
      return trans.__('The copy is here: %1', text(file.params, 'name'));
    }
    return file && file.outcome !== 'restored'
      ? outcomeWords(file, trans)
      : trans.__('It is here again: %1', baseName(path));
  };
  const put = (file: IFileOutcome | null): string =>
    file?.outcome === 'beside'
      ? trans.__(
          'It is current on Drive. The file here was changed meanwhile, so it came beside it: %1',
          text(file.params, 'name')
        )
      : trans.__('It is the current version now. The one before is kept for good on Drive.');

  if (lost !== '') {
    return (
      <div className="jp-DriveSync-body">
        <p>{lost}</p>
        <footer className="jp-DriveSync-actions">
          <span className="jp-DriveSync-space" />
          <Button onClick={() => void load()}>{trans.__('Try again')}</Button>
          <Button kind="primary" autoFocus onClick={close}>
            {trans.__('Close')}
          </Button>
        </footer>
      </div>
    );
  }
  if (found === null) {
    return (
      <div className="jp-DriveSync-body" aria-busy="true">
        <div className="jp-DriveSync-skeleton jp-mod-tall">{trans.__('Asking Google…')}</div>
      </div>
    );
  }
  const full = found.kept >= found.most_kept;
  const still = busy !== '';
  return (
    <div className="jp-DriveSync-body">
      <p className="jp-DriveSync-secondary">
        {trans.__(
          'Drive keeps a version for 30 days or 100 later ones; up to %1 for good.',
          found.most_kept
        )}
      </p>
      <div className="jp-DriveSync-versions" role="radiogroup" aria-label={trans.__('Versions')}>
        {found.versions.map(each => (
          <label key={each.id}>
            <input
              type="radio"
              name="jp-DriveSync-version"
              checked={each.id === chosen}
              disabled={still}
              onChange={() => choose(each.id)}
            />
            <span className="jp-DriveSync-versions-when">{when(each, trans)}</span>
            <span className="jp-DriveSync-versions-size">{size(each.size)}</span>
            <span className="jp-DriveSync-versions-who" title={plain(each.author)}>
              {plain(each.author)}
            </span>
            <span className="jp-DriveSync-versions-tags">
              {[
                each.current ? trans.__('current on Drive') : '',
                each.kept ? trans.__('kept for good') : ''
              ]
                .filter(tag => tag !== '')
                .join(', ')}
            </span>
          </label>
        ))}
      </div>
      <p className="jp-DriveSync-told" role="status">
        {still ? busy : told}
      </p>
      {version && shown && <Difference found={shown} trans={trans} />}
      {version && asking ? (
        <Banner
          shape="waiting"
          action={
            <>
              <Button autoFocus onClick={() => setAsking(false)}>
                {trans.__('Cancel')}
              </Button>
              <Button
                kind="warn"
                onClick={() =>
                  void work(trans.__('Putting it back…'), async () =>
                    put(await putBack(model, path, version.id))
                  )
                }
              >
                {trans.__('Put back')}
              </Button>
            </>
          }
        >
          {trans.__(
            '%1 becomes the version of %2, here and on Drive. What is current is kept for good on Drive first.',
            baseName(path),
            when(version, trans)
          )}
        </Banner>
      ) : (
        version && (
          <footer className="jp-DriveSync-actions">
            <Button
              kind="primary"
              disabled={still || shown?.revision === version.id}
              onClick={() =>
                void work(trans.__('Comparing…'), async () => {
                  setShown(await model.client.difference(path, version.id));
                  return '';
                })
              }
            >
              {trans.__('See changes')}
            </Button>
            <Button
              disabled={still}
              onClick={() =>
                void work(trans.__('Bringing a copy…'), async () =>
                  copied(await bringCopy(model, path, version.id))
                )
              }
            >
              {trans.__('Bring back as a copy')}
            </Button>
            <Button disabled={still || version.current} onClick={() => setAsking(true)}>
              {trans.__('Put back in place…')}
            </Button>
            <Button
              disabled={still || version.kept || full}
              title={
                full
                  ? trans.__(
                      '%1 versions are kept for good already, as many as Google takes.',
                      count(found.kept)
                    )
                  : undefined
              }
              onClick={() =>
                void work(trans.__('Keeping it…'), async () => {
                  await keepForGood(model, path, version.id);
                  return trans.__('It is kept for good now; only you can change that, on Drive.');
                })
              }
            >
              {trans.__('Keep for good')}
            </Button>
            {found.link !== '' && (
              <Button onClick={() => desk.browse(found.link)}>{trans.__('Open on Drive')}</Button>
            )}
          </footer>
        )
      )}
    </div>
  );
}
