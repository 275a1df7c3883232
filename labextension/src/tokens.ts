/** What other extensions may use of this one. */
import { Token } from '@lumino/coreutils';
import type { DriveSyncModel } from './model';

/** The one model of a page. */
export const IDriveSync = new Token<DriveSyncModel>(
  'jupyter-drive-sync:IDriveSync',
  'The state of the mirror on Google Drive, and what can be done with it.'
);
