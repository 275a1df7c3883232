/** What a storage holds back until the person has answered. */
import React from 'react';
import type { IStorage } from '../contract';
import type { IPageProps } from '../dialog';
import { driveWords } from '../storages';
import { Decide } from './review';

/** The page. */
export function Held({ storage, ...page }: IPageProps & { storage: IStorage }): React.JSX.Element {
  const { desk } = page;
  const { model } = desk;
  const { name, drive, status } = storage;
  const hold = status.holds[0];
  const id = hold?.id ?? '';
  return (
    <Decide
      {...page}
      hold={hold}
      holder={{
        files: offset => model.client.storageHeldFiles(name, id, offset),
        release: async (choice, paths) => {
          const done = await desk.attempt(() =>
            model.client.releaseStorage(name, id, choice, paths)
          );
          model.touchStorages();
          return done !== null;
        },
        folder: driveWords(drive)
      }}
    >
      <p>
        <strong>{desk.trans.__('Storage %1', name)}</strong>
      </p>
    </Decide>
  );
}
