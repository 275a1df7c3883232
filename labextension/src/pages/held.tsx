/** What a storage holds back until the person has answered. */
import React, { useState } from 'react';
import type { Choice, IStorage } from '../contract';
import type { IPageProps } from '../dialog';
import { holdWords } from '../holds';
import { Button } from '../parts';
import { Choices } from './choices';

/** The page. */
export function Held({
  desk,
  turn,
  close,
  storage
}: IPageProps & { storage: IStorage }): React.JSX.Element | null {
  const { trans, model } = desk;
  const [busy, setBusy] = useState(false);
  const hold = storage.status.holds[0];
  if (!hold) {
    return null;
  }
  const answer = async (choice: Choice): Promise<void> => {
    setBusy(true);
    const done = await desk.attempt(() =>
      model.client.releaseStorage(storage.name, hold.id, choice)
    );
    setBusy(false);
    if (done) {
      model.touchStorages();
      turn({ name: 'details' });
    }
  };
  return (
    <div className="jp-DriveSync-body">
      <p>
        <strong>{storage.name}</strong>
      </p>
      <p>{holdWords({ ...hold, paths_href: '' }, Date.now(), trans)}</p>
      <Choices
        hold={hold}
        number={hold.count}
        folder={storage.drive}
        disabled={busy}
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
