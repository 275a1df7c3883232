/** What will be copied, before anybody is sent to Google. */
import React, { useEffect, useState } from 'react';
import { zone } from '../client';
import type { IFolderSize, IPreview, ISettings } from '../contract';
import type { IPageProps } from '../dialog';
import { count, duration, size } from '../format';
import { Button, files as filesWords, Path } from '../parts';
import { reasonWords } from '../reasons';

/** The pattern that leaves a top folder out. */
function pattern(folder: IFolderSize): string {
  return `/${folder.name.replace(/([*?[\]\\])/g, '\\$1')}/`;
}

/** The page. */
export function Preview({ desk, turn, close }: IPageProps): React.JSX.Element {
  const { trans, model } = desk;
  const { client } = model;
  const [preview, setPreview] = useState<IPreview | null>(null);
  const [settings, setSettings] = useState<ISettings | null>(null);
  const [choosing, setChoosing] = useState(false);
  const [dropped, setDropped] = useState<IFolderSize[]>([]);
  const [going, setGoing] = useState(false);
  const [trouble, setTrouble] = useState('');

  const look = async (): Promise<void> => {
    try {
      const [what, set] = await Promise.all([client.preview(), client.getSettings()]);
      setPreview(what);
      setSettings(set);
      setTrouble('');
    } catch (problem) {
      setTrouble(desk.whyNot(problem));
    }
  };
  useEffect(() => void look(), []);

  const choose = async (folder: IFolderSize, wanted: boolean): Promise<void> => {
    const others = (settings?.excludes ?? []).filter(rule => rule !== pattern(folder));
    const excludes = wanted ? others : [...others, pattern(folder)];
    const now = await desk.attempt(() => client.patchSettings({ excludes }));
    if (now) {
      setDropped(old =>
        wanted
          ? old.filter(each => each.name !== folder.name)
          : [...old.filter(each => each.name !== folder.name), folder]
      );
      await look();
    }
  };

  const go = async (): Promise<void> => {
    setGoing(true);
    try {
      await desk.consent(() => client.authorize(zone()));
      turn({ name: 'waiting' });
    } catch (problem) {
      setTrouble(desk.whyNot(problem));
      setGoing(false);
    }
  };

  const rows = preview
    ? [...preview.folders, ...dropped.filter(d => !preview.folders.some(f => f.name === d.name))]
    : [];
  const left = (folder: IFolderSize): boolean => dropped.some(each => each.name === folder.name);
  return (
    <div className="jp-DriveSync-body">
      {trouble !== '' && (
        <p className="jp-DriveSync-trouble" role="alert">
          {trouble}
        </p>
      )}
      {preview === null ? (
        <div className="jp-DriveSync-skeleton jp-mod-tall">
          {trouble === '' && trans.__('Looking at your files…')}
        </div>
      ) : (
        <>
          <p>
            {trans.__(
              '%1, %2, will be copied to your own Google Drive: %3 the first time, then every night what has changed.',
              filesWords(preview.files, trans),
              size(preview.bytes),
              duration(preview.minutes * 60, trans)
            )}
          </p>
          <h3>{trans.__('What goes')}</h3>
          <ul className="jp-DriveSync-folders" tabIndex={0} aria-label={trans.__('What goes')}>
            {rows.map(folder => {
              const name = folder.name === '' ? trans.__('files outside of folders') : folder.name;
              const facts = left(folder)
                ? trans.__('left out')
                : `${filesWords(folder.files, trans)}, ${size(folder.bytes)}`;
              return (
                <li key={folder.name}>
                  {choosing && folder.name !== '' ? (
                    <label>
                      <input
                        type="checkbox"
                        checked={!left(folder)}
                        onChange={event => void choose(folder, event.currentTarget.checked)}
                      />
                      <Path path={name} />
                    </label>
                  ) : (
                    <Path path={name} />
                  )}
                  <span className="jp-DriveSync-row-said">{facts}</span>
                </li>
              );
            })}
            {preview.folders_more > 0 && (
              <li>
                {trans._n(
                  'and %2 more folder',
                  'and %2 more folders',
                  preview.folders_more,
                  count(preview.folders_more)
                )}
              </li>
            )}
          </ul>
          {preview.left_out_count > 0 && (
            <details className="jp-DriveSync-leftOut">
              <summary>
                {trans._n(
                  '%2 is left out, see why',
                  '%2 are left out, see why',
                  preview.left_out_count,
                  count(preview.left_out_count)
                )}
              </summary>
              <ul className="jp-DriveSync-folders" tabIndex={0} aria-label={trans.__('Left out')}>
                {preview.left_out.map(item => (
                  <li key={item.path}>
                    <Path path={item.path} />
                    <span className="jp-DriveSync-row-said" title={reasonWords(item, trans)}>
                      {reasonWords(item, trans)}
                    </span>
                  </li>
                ))}
              </ul>
            </details>
          )}
          <dl className="jp-DriveSync-facts">
            <dt>{trans.__('Where it lands')}</dt>
            <dd>{trans.__('My Drive/%1', preview.drive_folder)}</dd>
            <dt>{trans.__('What we can see')}</dt>
            <dd>{trans.__('Only what this program made on your Drive, nothing else there.')}</dd>
            <dt>{trans.__('Your files here')}</dt>
            <dd>{trans.__('Only read; nothing is written into your home.')}</dd>
          </dl>
        </>
      )}
      <footer className="jp-DriveSync-actions">
        <Button
          kind="link"
          disabled={preview === null || settings === null || settings.by_admin.includes('excludes')}
          onClick={() => setChoosing(!choosing)}
        >
          {choosing ? trans.__('Done choosing') : trans.__('Choose folders…')}
        </Button>
        <span className="jp-DriveSync-space" />
        <Button onClick={close}>{trans.__('Cancel')}</Button>
        <Button kind="primary" autoFocus disabled={going} onClick={() => void go()}>
          {trans.__('Continue to Google')}
        </Button>
      </footer>
    </div>
  );
}
