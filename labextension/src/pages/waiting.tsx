/** While the person is at Google: the link once more, or the code to type there. */
import React, { useEffect } from 'react';
import type { IConsent, IStatus, IStorage } from '../contract';
import type { IPageProps } from '../dialog';
import { Button } from '../parts';
import { storageProblem } from '../storages';
import { problemWords } from '../view';

/** The last attempt to connect, where it is for this storage; '' is the backup. */
function consentOf(status: IStatus | null, storage: string): IConsent | null {
  const consent = status?.consent ?? null;
  return consent?.storage === storage ? consent : null;
}

/** Whether nothing more comes of an attempt: it failed, ran out, or the server forgot it. */
export function consentIsOver(status: IStatus | null, storage = ''): boolean {
  const consent = consentOf(status, storage);
  return consent === null
    ? storage !== '' || status?.connected === false
    : consent.state === 'failed' || consent.state === 'expired';
}

/** The page. */
export function Waiting({
  desk,
  turn,
  close,
  storage
}: IPageProps & { storage?: IStorage }): React.JSX.Element {
  const { trans, model } = desk;
  const name = storage?.name ?? '';
  const consent = consentOf(model.status, name);
  const asked = desk.asked;
  const url = [asked?.url, consent?.url].find(Boolean) ?? '';
  const code = [asked?.user_code, consent?.user_code].find(Boolean) ?? '';
  const state = consent?.state ?? 'waiting';
  const connected =
    state === 'connected' || (!storage && consent === null && model.status?.connected === true);
  useEffect(() => {
    if (connected) {
      desk.asked = null;
      if (storage) {
        model.touchStorages();
      } else {
        model.adopt(model.status?.job ?? '');
      }
      turn({ name: 'details' });
    }
  }, [connected]);

  if (consentIsOver(model.status, name)) {
    const problem = consent?.problem ?? {
      code: 'auth.timeout',
      who: 'user' as const,
      sentence: '',
      params: {}
    };
    const known = storage
      ? storageProblem(problem, storage.credentials, Date.now(), trans)
      : problemWords(problem, model.status, Date.now(), trans);
    const said = consent
      ? known
      : {
          ...known,
          sentence: trans.__(
            'This question to Google is no longer open. Nothing was changed; start again when you are ready.'
          )
        };
    return (
      <div className="jp-DriveSync-body">
        <p role="alert">{said.sentence}</p>
        <footer className="jp-DriveSync-actions">
          <span className="jp-DriveSync-space" />
          <Button onClick={close}>{trans.__('Close')}</Button>
          {said.action === 'copy_admin' ? (
            <Button
              kind="primary"
              autoFocus
              onClick={() => void desk.copy(`${said.admin ?? ''}\n${problem.code}`)}
            >
              {trans.__('Copy message for admin')}
            </Button>
          ) : (
            <Button
              kind="primary"
              autoFocus
              onClick={() => turn(storage ? { name: 'permit', storage } : { name: 'preview' })}
            >
              {trans.__('Try again')}
            </Button>
          )}
          {said.action === 'copy_admin' && (
            <span className="jp-DriveSync-note">
              {trans.__('Send it to whoever runs this server; you need do nothing else.')}
            </span>
          )}
        </footer>
      </div>
    );
  }
  const abandon = async (): Promise<void> => {
    close();
    desk.asked = null;
    await desk.attempt(() => model.client.abandon());
    await model.refresh();
  };
  if (state === 'exchanging') {
    return (
      <div className="jp-DriveSync-body">
        <p>{trans.__('Google has answered, one moment…')}</p>
      </div>
    );
  }
  return (
    <div className="jp-DriveSync-body">
      {code !== '' ? (
        <>
          <p>{trans.__('Type this code on the page of Google, which you can open anywhere:')}</p>
          <p className="jp-DriveSync-userCode">{code}</p>
          <p className="jp-DriveSync-link">{url}</p>
        </>
      ) : (
        <p>
          {asked?.opened === false
            ? trans.__(
                'Your browser did not open the tab. Open the page of Google with the button below.'
              )
            : trans.__(
                'Answer on the page of Google, in the tab that just opened. This goes on by itself.'
              )}
        </p>
      )}
      <footer className="jp-DriveSync-actions">
        {url !== '' && (
          <Button kind="link" onClick={() => void desk.copy(url)}>
            {trans.__('Copy link')}
          </Button>
        )}
        {code !== '' && (
          <Button kind="link" onClick={() => void desk.copy(code)}>
            {trans.__('Copy code')}
          </Button>
        )}
        <span className="jp-DriveSync-space" />
        <Button onClick={() => void abandon()}>{trans.__('Cancel')}</Button>
        {url !== '' && (
          <Button kind="primary" autoFocus onClick={() => desk.browse(url)}>
            {trans.__('Open the page again')}
          </Button>
        )}
      </footer>
    </div>
  );
}
