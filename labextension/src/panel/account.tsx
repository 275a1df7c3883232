/** Whose Drive it is, how full it is, and the way out. */
import React from 'react';
import type { ISpace } from '../contract';
import type { Desk } from '../desk';
import { size } from '../format';
import { Button } from '../parts';
import { plain } from '../plain';
import { useAnswer } from './answer';

function Space({ desk, space }: { desk: Desk; space: ISpace }): React.JSX.Element {
  const { trans } = desk;
  const { limit, usage, in_trash: trash } = space;
  const said =
    limit === null
      ? trans.__('%1 used, without a limit', size(usage))
      : trans.__('%1 of %2 used', size(usage), size(limit));
  return (
    <>
      <p className="jp-DriveSync-numbers">
        {said}
        {trash > 0 && ` · ${trans.__('%1 of it in the trash', size(trash))}`}
      </p>
      {limit !== null && limit > 0 && (
        <div
          className="jp-DriveSync-bar jp-mod-thin"
          role="meter"
          aria-label={trans.__('Space used on Google Drive')}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.min(100, Math.round((usage / limit) * 100))}
          aria-valuetext={said}
        >
          <div
            className="jp-DriveSync-bar-fill"
            style={{ width: `${Math.min(100, (usage / limit) * 100)}%` }}
          />
        </div>
      )}
    </>
  );
}

/** The account. */
export function Account({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, model } = desk;
  const { status } = model;
  const account = status?.account ?? null;
  const { value, lost } = useAnswer(
    () => model.client.space(),
    `${account?.email ?? ''} ${model.reach === 'here'}`
  );
  return (
    <>
      {account && (
        <p className="jp-DriveSync-account">
          {account.name !== '' && <strong>{plain(account.name)}</strong>}{' '}
          <span>{plain(account.email)}</span>
        </p>
      )}
      <p>{trans.__('My Drive/%1', status?.drive_folder ?? '')}</p>
      {value ? (
        <Space desk={desk} space={value} />
      ) : lost ? (
        <p className="jp-DriveSync-secondary">
          {trans.__('How full your Drive is cannot be said right now.')}
        </p>
      ) : (
        <div className="jp-DriveSync-skeleton jp-mod-line" />
      )}
      <div className="jp-DriveSync-actions">
        {status?.link && (
          <Button kind="link" onClick={() => void desk.act('open_drive')}>
            {trans.__('Open in Google Drive')}
          </Button>
        )}
        <Button kind="link" onClick={() => void desk.act('space')}>
          {trans.__('See what takes space')}
        </Button>
        <Button kind="link" onClick={() => desk.open({ name: 'disconnect' })}>
          {trans.__('Disconnect…')}
        </Button>
      </div>
    </>
  );
}
