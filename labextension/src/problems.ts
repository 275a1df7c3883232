/**
 * What can go wrong, in the words of the person who reads it: one entry per code of the program.
 *
 * Each says in a few words what is the matter (status bar), in a sentence what happened and what
 * it means, and what one button offers. Where an administrator has to act, `admin` is what the
 * button copies for them. A test compares the codes with those of Python.
 */
import { PageConfig } from '@jupyterlab/coreutils';
import { plain } from './plain';
import {
  type IContext,
  type IWords,
  configured,
  death,
  fileProblem,
  goesOn,
  held,
  stopped,
  text,
  told,
  toldOf,
  unforeseen,
  type Words
} from './wording';

/** Every code of the program, and the kinds of holds. */
export const PROBLEMS: Readonly<Record<string, Words>> = {
  // What was asked cannot be done as asked.
  usage: ({ trans, said }) => ({
    short: trans.__('not done'),
    sentence: said || trans.__('That could not be done; nothing was changed.'),
    action: null
  }),
  'settings.invalid': configured,
  'client_file.invalid': configured,
  'endpoint.invalid': configured,
  'service_account.invalid': told(trans => trans.__('check its key')),
  'service_account.owns_nothing': toldOf(
    trans => trans.__('it may not write there'),
    ['email'],
    (trans, values) =>
      trans.__(
        'The service account %1 cannot write there: it would own the files, and Google gives it no storage. Take a folder of a shared drive, a person for whom it acts, or your own permission.',
        ...values
      )
  ),
  'credentials.scope': told(trans => trans.__('more permission is needed')),
  'folder.invalid': toldOf(
    trans => trans.__('check the folder'),
    ['folder'],
    (trans, values) =>
      trans.__(
        '%1 names no folder on Google Drive. Give its address as the browser shows it, its id, or a path such as Courses/2026.',
        ...values
      )
  ),
  'folder.not_found': toldOf(
    trans => trans.__('that folder is not there'),
    ['folder', 'who'],
    (trans, values) =>
      trans.__(
        'Google Drive shows no folder %1 to %2: either there is none, or it is not shared with that account.',
        ...values
      )
  ),
  'folder.ambiguous': toldOf(
    trans => trans.__('several folders of that name'),
    ['count', 'folder'],
    (trans, values) =>
      trans.__(
        'There are %1 folders %2 on Google Drive; give the address or the id of the one that you mean.',
        ...values
      )
  ),
  'folder.not_a_folder': toldOf(
    trans => trans.__('that is not a folder'),
    ['folder', 'name'],
    (trans, values) =>
      trans.__(
        '%1 is a file on Google Drive (%2), not a folder; name the one it lies in.',
        ...values
      )
  ),
  'folder.trashed': toldOf(
    trans => trans.__('that folder is in the trash'),
    ['folder', 'name'],
    (trans, values) =>
      trans.__(
        "The folder %1 (%2) is in Google Drive's trash; bring it back there, or name another one.",
        ...values
      )
  ),
  'folder.read_only': toldOf(
    trans => trans.__('that folder can only be read'),
    ['who', 'folder', 'name'],
    (trans, values) =>
      trans.__(
        '%1 may read the folder %2 (%3) but not write to it; its owner can make that account an editor.',
        ...values
      )
  ),
  'storage.invalid': told(trans => trans.__('check what was filled in')),
  'storage.unknown': ({ trans }) => ({
    short: trans.__('not found'),
    sentence: trans.__('That is no longer there; nothing was changed.'),
    action: null
  }),
  'home.refused': configured,
  'home.missing': ({ trans, said }) => ({
    short: trans.__("can't sync, your home is not there"),
    sentence: trans.__(
      'Your home folder is not there, as if it were not mounted. Nothing was changed on Drive.'
    ),
    action: 'copy_admin',
    admin: said
  }),
  'hold.unknown': ({ trans }) => ({
    short: trans.__('already answered'),
    sentence: trans.__('This question is no longer open; nothing was changed.'),
    action: null
  }),
  'restore.not_there': ({ trans, said }) => ({
    short: trans.__('not on Drive'),
    sentence: said || trans.__('What was to come back is not there; nothing was changed.'),
    action: null
  }),
  'restore.no_revision': ({ trans }) => ({
    short: trans.__('no such version'),
    sentence: trans.__('Drive no longer has this version of the file; nothing was changed.'),
    action: null
  }),
  'restore.cannot_pin': ({ trans }) => ({
    short: trans.__('too many kept versions'),
    sentence: trans.__(
      'Google keeps no more than 200 versions of a file for good. Remove one of them on Drive first.'
    ),
    action: null
  }),
  'undo.nothing': ({ trans }) => ({
    short: trans.__('nothing to undo'),
    sentence: trans.__('There is nothing to undo; your files here were not touched.'),
    action: null
  }),
  'platform.unsupported': ({ trans, said }) => ({
    short: trans.__('not available here'),
    sentence: trans.__('Backing up to Google Drive does not work on this kind of computer yet.'),
    action: 'copy_admin',
    admin: said
  }),

  // The owner of the files decides.
  user: ({ trans, said }) => ({
    short: trans.__('needs you'),
    sentence: said,
    action: 'reconnect'
  }),
  'auth.missing': ({ trans }) => ({
    short: trans.__('not connected'),
    sentence: trans.__('Your files are not backed up yet.'),
    action: 'authorize'
  }),
  'auth.expired': ({ trans }) => ({
    short: trans.__('please reconnect'),
    sentence: trans.__(
      'Google no longer accepts our access; your files here are untouched, nothing new is copied until you reconnect.'
    ),
    action: 'reconnect'
  }),
  'auth.revoked': ({ trans }) => ({
    short: trans.__('please reconnect'),
    sentence: trans.__(
      'Google ended our permission (removed, 6 months unused, or a school rule). Reconnecting takes a minute, nothing is uploaded again.'
    ),
    action: 'reconnect'
  }),
  'auth.scope_missing': ({ trans }) => ({
    short: trans.__('please reconnect'),
    sentence: trans.__(
      "The Drive box was not ticked on Google's page, so we cannot copy anything. Try again and tick it there."
    ),
    action: 'reconnect'
  }),
  'auth.denied': ({ trans }) => ({
    short: trans.__('not connected'),
    sentence: trans.__(
      "Google Drive was not connected, because the answer on Google's page was no. Nothing was changed."
    ),
    action: 'authorize'
  }),
  'auth.timeout': ({ trans }) => ({
    short: trans.__('not connected'),
    sentence: trans.__(
      "Nobody answered on Google's page in time. Nothing was changed; start again when you are ready."
    ),
    action: 'authorize'
  }),
  'drive.full': ({ trans, params }) => ({
    short: trans.__('no space left'),
    sentence:
      'free' in params && 'needed' in params
        ? trans.__(
            'Your Google account has %1 free and %2 still has to go up; what is on Drive is safe.',
            params.free,
            params.needed
          )
        : trans.__('Your Google account has no space left; what is on Drive is safe.'),
    action: 'space'
  }),
  held,
  'held.deletions': held,
  'held.moved_out': held,
  'held.other_home': held,
  'held.root_gone': context => ({
    ...held(context),
    short: context.trans.__('your Drive folder is gone')
  }),
  'held.other_account': held,
  'held.changed_client': held,
  'home.full': ({ trans, params }) => ({
    short: trans.__('no room here'),
    sentence:
      'free' in params && 'need' in params
        ? trans.__(
            'There is not enough room here for what is to come back: %1 is needed, %2 is free. What did come back is whole.',
            params.need,
            params.free
          )
        : trans.__(
            'There is not enough room here for what is to come back. What did come back is whole.'
          ),
    action: null
  }),
  'home.unwritable': ({ trans }) => ({
    short: trans.__('cannot write here'),
    sentence: trans.__(
      'Nothing can be written there. What is on Drive stays there, and nothing here was changed.'
    ),
    action: null
  }),
  'broker.restart': ({ trans }) => ({
    short: trans.__('please restart your server'),
    sentence: trans.__(
      'Your server was started before Google Drive was set up on this hub. Restart it: File, Hub Control Panel, Stop My Server, then Start My Server.'
    ),
    action: 'copy_admin',
    admin: trans.__(
      "The server's access at the hub lacks the scope of the Google Drive service although it was restarted; see the load_roles of the service."
    )
  }),
  'clock.wrong': ({ trans, params }) => ({
    short: trans.__("can't sync, the clock is wrong"),
    sentence: trans.__(
      "This server's clock is off by %1 minutes, so Google refuses our requests. Your files are untouched.",
      text(params, 'minutes') || '?'
    ),
    action: 'copy_admin',
    admin: trans.__('Set the clock of the server; Google refuses requests from another time.')
  }),

  // Whoever runs this Jupyter or the Google project.
  admin: configured,
  'project.no_client': ({ trans }) => ({
    short: trans.__('not set up here'),
    // A server that is older than the hub's service does not know of it.
    sentence: PageConfig.getOption('hubPrefix')
      ? trans.__(
          'This server knows of no Google Drive at your hub. If the hub got it lately, restart your server: File, Hub Control Panel, Stop My Server, then Start My Server. Else only your admin can set it up.'
        )
      : trans.__('Your admin has not set up Google Drive on this server yet.'),
    action: 'copy_admin',
    admin: trans.__('Set c.DriveSync.client_file to the client file of a Google project.')
  }),
  'auth.testing_mode': ({ trans }) => ({
    short: trans.__('please reconnect'),
    sentence: trans.__(
      'Google ended our permission after 7 days, as it does while an app is being tested. Reconnecting takes a minute; your admin can end the testing.'
    ),
    action: 'reconnect',
    admin: trans.__(
      'The Google app is in Testing, where grants end 7 days after consent. Publish it: Google Auth platform, Audience, Publish.'
    )
  }),
  'project.client_gone': ({ trans }) => ({
    short: trans.__("can't sync, your admin is needed"),
    sentence: trans.__('The key to Google no longer exists; only an admin can renew it.'),
    action: 'copy_admin',
    admin: trans.__(
      'The OAuth client was deleted or unused for 6 months. Restore it within 30 days, else make a new one; then everybody consents again.'
    )
  }),
  'project.api_off': ({ trans }) => ({
    short: trans.__("can't sync, your admin is needed"),
    sentence: trans.__('Google Drive is not switched on for this server.'),
    action: 'copy_admin',
    admin: trans.__(
      'Enable the Google Drive API in the Google project (APIs and services), wait some minutes, sync again.'
    )
  }),
  'org.blocked': ({ trans }) => ({
    short: trans.__("can't sync, blocked by your school"),
    sentence: trans.__(
      "Your school's Google rules do not allow this app; you cannot change that yourself."
    ),
    action: 'copy_admin',
    admin: trans.__(
      'Workspace Admin, Security, API controls, App access control: trust the client id. Accounts under 18 need it explicitly.'
    )
  }),
  'service_account.refused': configured,
  'service_account.not_delegated': configured,
  'state.unusable': configured,
  'state.full': ({ trans, said }) => ({
    short: trans.__("can't sync, the disk here is full"),
    sentence: trans.__(
      'The disk of this server is full, so the sync stopped; nothing was lost. Free some space here and sync again.'
    ),
    action: 'sync',
    admin: said
  }),
  'home.too_large': ({ trans, params }) => ({
    short: trans.__("can't sync, too many files"),
    sentence: trans.__(
      'Your home has more than %1 files, the limit here. Leave out some folders, then sync again.',
      text(params, 'limit') || '?'
    ),
    action: 'exclude'
  }),

  // Goes away by itself.
  wait: stopped,
  'drive.busy': ({ trans, next }) => ({
    short: next
      ? trans.__('slowed by Google, goes on %1', next)
      : trans.__('slowed by Google, goes on later'),
    sentence: next
      ? trans.__('Google asked us to go slower; the sync goes on by itself %1.', next)
      : trans.__('Google asked us to go slower; the sync goes on by itself.'),
    action: 'sync',
    button: trans.__('Go on now')
  }),
  'drive.daily_upload_limit': ({ trans, next }) => ({
    short: next
      ? trans.__('daily limit, goes on %1', next)
      : trans.__('daily limit, goes on later'),
    sentence: next
      ? trans.__(
          "Google's daily upload limit for your account is reached; the rest follows %1.",
          next
        )
      : trans.__(
          "Google's daily upload limit for your account is reached; the rest follows by itself."
        ),
    action: 'files',
    button: trans.__('See what is left')
  }),
  'project.daily_limit': ({ trans }) => ({
    short: trans.__("can't sync, your admin is needed"),
    sentence: trans.__(
      "This server's daily allowance at Google is used up; syncing goes on tomorrow."
    ),
    action: 'copy_admin',
    admin: trans.__(
      'The quota per day of the Google project is exhausted. Raise it in Google Cloud, Quotas, or spread the runs.'
    )
  }),
  'net.offline': ({ trans, last }) => ({
    short: trans.__('offline, will retry'),
    sentence: last
      ? trans.__(
          'No connection to Google right now; last synced %1. Nothing is lost and it will go on by itself.',
          last
        )
      : trans.__('No connection to Google right now; nothing is lost and it will go on by itself.'),
    action: 'sync'
  }),
  'service_account.unreachable': ({ trans, said }) => ({
    short: trans.__('its key cannot be fetched, will retry'),
    sentence:
      said || trans.__('A key cannot be fetched right now; it will be tried again by itself.'),
    action: 'sync'
  }),
  'broker.silent': ({ trans }) => ({
    short: trans.__('the hub does not answer'),
    sentence: trans.__(
      "The hub's service for Google Drive does not answer; nothing is lost, and it will be tried again."
    ),
    action: 'sync',
    button: trans.__('Try now')
  }),
  'run.busy': ({ trans }) => ({
    short: trans.__('another sync is running'),
    sentence: trans.__('Another sync of your home is running; this one was not needed.'),
    action: null
  }),
  'run.killed': context => ({
    short: goesOn(context),
    sentence: death(context),
    action: 'sync',
    button: context.trans.__('Go on now')
  }),
  'run.cancelled': ({ trans }) => ({
    short: trans.__('stopped by you'),
    sentence: trans.__(
      'You stopped the sync; what was done stays, and the next one goes on from there.'
    ),
    action: 'sync'
  }),
  'run.lease_lost': stopped,
  'run.low_memory': ({ trans, next }) => ({
    short: trans.__('postponed, too little memory'),
    sentence: next
      ? trans.__(
          'Too little memory is free on your server, so the sync waits until %1. Closing some notebooks helps.',
          next
        )
      : trans.__(
          'Too little memory is free on your server, so the sync waits. Closing some notebooks helps.'
        ),
    action: 'sync'
  }),

  // One file's outcome.
  file: fileProblem,
  'storage.incomplete': fileProblem,
  'file.changed': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('changed while it was read; next time')
  }),
  'file.vanished': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('vanished before it was read')
  }),
  'file.unreadable': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('no permission to read')
  }),
  'file.special': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('special file')
  }),
  'file.damaged': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('arrived damaged, so it was thrown away; try again')
  }),
  'file.not_taken': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('cannot be written here')
  }),
  'drive.gone': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('is no longer on Drive')
  }),
  'drive.tree_limit': context => ({
    short: context.trans.__('1 folder not synced'),
    sentence: context.trans.__(
      'Google does not take more than 500,000 items or 100 levels here; the rest is synced.'
    ),
    action: 'exclude'
  }),
  'drive.not_ours': context => ({
    short: context.trans.__('1 file copied anew'),
    sentence: context.trans.__(
      'We may no longer touch the old copy; a fresh copy was made beside it.'
    ),
    action: 'files'
  }),
  'drive.missing': context => ({
    short: context.trans.__('1 file not synced'),
    sentence: context.trans.__(
      'Drive does not find the copy; the next sync looks again, and copies it anew if it is gone'
    ),
    action: 'files'
  }),
  'drive.exists': context => ({
    ...fileProblem(context),
    sentence: context.trans.__(
      'an earlier copy is gone from Drive; it is copied anew by one of the next syncs'
    )
  }),
  'drive.mismatch': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('the copy on Drive was not identical; it is sent again next time'),
    action: 'sync'
  }),
  'drive.refused': context => ({
    ...fileProblem(context),
    sentence: context.trans.__('Google refused it'),
    action: 'copy_details'
  }),
  'drive.bad_token': ({ trans }) => ({
    short: trans.__('comparing everything'),
    sentence: trans.__('Everything is compared with Drive once; nothing is uploaded again.'),
    action: null
  }),

  // What only the server's routes answer.
  'request.invalid': unforeseen,
  'request.forbidden': ({ trans }) => ({
    short: trans.__('not allowed'),
    sentence: trans.__(
      'You are not logged in any more, or may not do this here. Nothing was changed.'
    ),
    action: null
  }),
  'request.not_owner': ({ trans }) => ({
    short: trans.__('not allowed'),
    sentence: trans.__('Only the owner of this server can do that. Nothing was changed.'),
    action: null
  }),
  'request.unknown': ({ trans }) => ({
    short: trans.__('not found'),
    sentence: trans.__('That is no longer there; nothing was changed.'),
    action: null
  }),
  'request.method': unforeseen,
  'run.paused': ({ trans }) => ({
    short: trans.__('paused'),
    sentence: trans.__('Syncing is paused; nothing is copied until it is resumed.'),
    action: null
  }),
  'settings.by_admin': ({ trans }) => ({
    short: trans.__('set by your admin'),
    sentence: trans.__('Your admin has set this; it cannot be changed here.'),
    action: null
  }),

  // The rest.
  internal: unforeseen
};

/** Puts a problem into words; a code of a newer server reads as something unforeseen. */
export function words(code: string, context: IContext): IWords {
  return (PROBLEMS[code] ?? unforeseen)({ ...context, said: plain(context.said) });
}
