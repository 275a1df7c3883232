/** What ends and what stays, before it ends. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';
import type { IAboutDisconnect } from '../contract';
import type { IPageProps } from '../dialog';
import { count } from '../format';
import { Button } from '../parts';
import { plain } from '../plain';

/** What else ends with the permission; '' for what nobody here knows. */
function endWords(code: string, trans: TranslationBundle): string {
  switch (code) {
    case 'others':
      return trans.__(
        'Every other computer and hub that uses the same Google project for your account ends too.'
      );
    case 'consent':
      return trans.__(
        'Google forgets what this app may do: connecting again asks for your consent anew.'
      );
    default:
      return '';
  }
}

/** The page. */
export function Disconnect({ desk, turn, close }: IPageProps): React.JSX.Element {
  const { trans, model } = desk;
  const [about, setAbout] = useState<IAboutDisconnect | null>(null);
  const [revoke, setRevoke] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    void desk.attempt(() => model.client.aboutDisconnect()).then(setAbout);
  }, []);
  const go = async (): Promise<void> => {
    setBusy(true);
    const done = await desk.attempt(() => model.client.disconnect(revoke));
    await model.refresh();
    setBusy(false);
    if (done) {
      close();
    }
  };
  const email = about?.account?.email ?? '';
  const number = about?.files ?? 0;
  return (
    <div className="jp-DriveSync-body">
      {about === null ? (
        <div className="jp-DriveSync-skeleton" />
      ) : (
        <>
          <p>
            <strong>
              {email === ''
                ? trans.__('Stop backing up to Google Drive?')
                : trans.__('Stop backing up to %1?', email)}
            </strong>
          </p>
          <p>
            {trans._n(
              'Your %2 file stays on Drive and here; nothing is deleted. Our access here is deleted.',
              'Your %2 files stay on Drive and here; nothing is deleted. Our access here is deleted.',
              number,
              count(number)
            )}
          </p>
          <label className="jp-DriveSync-check">
            <input
              type="checkbox"
              checked={revoke}
              onChange={event => setRevoke(event.currentTarget.checked)}
            />
            <span>{trans.__('Also end the permission at Google')}</span>
          </label>
          {about.revoke_ends.map(({ code, sentence }) => (
            <p key={code} className="jp-DriveSync-secondary jp-mod-indent">
              {endWords(code, trans) || plain(sentence)}
            </p>
          ))}
        </>
      )}
      <footer className="jp-DriveSync-actions">
        <span className="jp-DriveSync-space" />
        <Button autoFocus onClick={() => turn({ name: 'details' })}>
          {trans.__('Cancel')}
        </Button>
        <Button kind="warn" disabled={about === null || busy} onClick={() => void go()}>
          {trans.__('Disconnect')}
        </Button>
      </footer>
    </div>
  );
}
