/** What a storage with a client of its own will be allowed, before anybody is sent to Google. */
import React, { useState } from 'react';
import type { IStorage } from '../contract';
import type { IPageProps } from '../dialog';
import { Button } from '../parts';
import { scopeWords, storageProblem } from '../storages';

/** The page. */
export function Permit({
  desk,
  turn,
  close,
  storage
}: IPageProps & { storage: IStorage }): React.JSX.Element {
  const { trans, model } = desk;
  const { name, credentials, scope } = storage;
  const [going, setGoing] = useState(false);
  const [trouble, setTrouble] = useState('');
  const go = async (): Promise<void> => {
    setGoing(true);
    try {
      await desk.consent(() => model.client.authorizeStorage(name));
      turn({ name: 'waiting', storage });
    } catch (problem) {
      setTrouble(
        desk.whyNot(problem, said => storageProblem(said, credentials, Date.now(), trans))
      );
      setGoing(false);
    }
  };
  return (
    <div className="jp-DriveSync-body">
      {trouble !== '' && (
        <p className="jp-DriveSync-trouble" role="alert">
          {trouble}
        </p>
      )}
      <p>
        {trans.__(
          'Google asks you once, on a page of its own, whether this storage may use your Drive.'
        )}
      </p>
      <dl className="jp-DriveSync-facts">
        <dt>{trans.__('What it may see of Drive')}</dt>
        <dd>{scopeWords(scope, trans)}</dd>
        <dt>{trans.__('What it is for')}</dt>
        <dd>{trans.__('This storage alone; your backup does not use it.')}</dd>
        <dt>{trans.__("On Google's page")}</dt>
        <dd>
          {trans.__(
            'Tick every box there. If Google warns that it has not verified the app: it is that of your own client file, so you can go on.'
          )}
        </dd>
      </dl>
      <footer className="jp-DriveSync-actions">
        {trouble !== '' && (
          <Button kind="link" onClick={() => turn({ name: 'storage', storage })}>
            {trans.__('Edit…')}
          </Button>
        )}
        <span className="jp-DriveSync-space" />
        <Button onClick={close}>{trans.__('Later')}</Button>
        <Button kind="primary" autoFocus disabled={going} onClick={() => void go()}>
          {trans.__('Continue to Google')}
        </Button>
      </footer>
    </div>
  );
}
