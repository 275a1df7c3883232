/** What waits for the person, in their words: by the kind of hold and its values. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IHold } from './contract';
import { count, day } from './format';
import { plain } from './plain';

/** A likely cause of very many deletions. */
function cause(name: string, folders: string, trans: TranslationBundle): string {
  switch (name) {
    case 'home_empty':
      return trans.__('it is empty, as if it were not mounted');
    case 'home_unreadable':
      return trans.__('it cannot be read');
    case 'home_replaced':
      return trans.__('it is not the folder that was copied last');
    case 'rules_changed':
      return trans.__('the rules of what is copied have changed');
    case 'ledger_rebuilt':
      return trans.__('our own records had to be made anew');
    case 'whole_folder':
      return trans.__('%1 as a whole', folders);
    case 'share':
      return trans.__('more than a quarter at once');
    case 'files':
      return trans.__('very many at once');
    case 'bytes':
      return trans.__('more than a gigabyte at once');
    default:
      return '';
  }
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function deletions(hold: IHold, trans: TranslationBundle): string {
  const { params } = hold;
  const more = Number(params.folders_more ?? 0);
  const names = list(params.folders).join(', ');
  const folders = more > 0 ? trans.__('%1 and %2 more', names, count(more)) : names;
  const why = list(params.causes)
    .map(name => cause(name, folders, trans))
    .filter(words => words !== '')
    .join('; ');
  const mirrored = count(Number(params.mirrored ?? 0));
  const what =
    why === ''
      ? trans._n(
          '%2 of %3 files is gone from your home.',
          '%2 of %3 files are gone from your home.',
          hold.count,
          count(hold.count),
          mirrored
        )
      : trans._n(
          '%2 of %3 files is gone from your home (%4).',
          '%2 of %3 files are gone from your home (%4).',
          hold.count,
          count(hold.count),
          mirrored,
          why
        );
  return `${what} ${trans.__('Nothing was removed on Drive.')}`;
}

/** What happened and that nothing was done, in one or two sentences. */
export function holdWords(hold: IHold, now: number, trans: TranslationBundle): string {
  const { params } = hold;
  const folder = typeof params.folder === 'string' ? params.folder : '';
  switch (hold.kind) {
    case 'deletions':
      return 'mirrored' in params ? deletions(hold, trans) : plain(hold.reason);
    case 'moved_out':
      return trans._n(
        '%2 file was moved elsewhere on your Drive; no new copy was made.',
        '%2 files were moved elsewhere on your Drive; no new copies were made.',
        hold.count,
        count(hold.count)
      );
    case 'root_gone':
      if (folder === '') {
        return plain(hold.reason);
      }
      return params.trashed === true
        ? trans.__("The folder %1 is in Drive's trash; nothing is copied until you choose.", folder)
        : trans.__(
            'The folder %1 was deleted on Drive; nothing is copied until you choose.',
            folder
          );
    case 'other_home': {
      if (folder === '') {
        return plain(hold.reason);
      }
      const changed = day(Number(params.changed ?? 0), now);
      return params.new === true
        ? trans.__(
            'The folder %1 on your Drive is the backup of another home, perhaps the one that you had before this one, last changed on %2; nothing was changed there.',
            folder,
            changed
          )
        : trans.__(
            'The folder %1 on your Drive is the backup of another home, last changed on %2; nothing was changed there.',
            folder,
            changed
          );
    }
    case 'changed_client':
      return trans.__(
        'The key to Google was changed, and the new one cannot see the folder that the old one made; nothing was sent.'
      );
    case 'other_account':
      return trans.__(
        'Another Google account is connected than the one that holds the backup; nothing was sent.'
      );
    default:
      return plain(hold.reason);
  }
}
