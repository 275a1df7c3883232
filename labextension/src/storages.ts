/** Storages in words: how one stands, and what is wrong with what was filled in. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IProblem, IStorage, IStorageValues } from './contract';
import { count, moment, size } from './format';
import { holdWords } from './holds';
import type { Shape } from './icons';
import { plain } from './plain';
import { counter, problemWords } from './view';
import type { IWords } from './wording';

/** What the one button of a storage does. */
export type StorageAction = 'run' | 'cancel' | 'review' | 'edit' | 'authorize' | 'permit' | 'admin';

/** How a storage is shown. */
export interface IStorageView {
  shape: Shape;
  sentence: string;
  action: StorageAction;
  button: string;
  /** What to tell an administrator; '' for nothing. */
  admin: string;
}

/** A field of the form; '' is the form as a whole. */
export type Field = '' | keyof IStorageValues;

/** A storage as a form begins. */
export const NEW: IStorageValues = {
  name: '',
  local: '',
  drive: '',
  direction: 'import',
  scope: '',
  credentials: 'auto',
  key_file: '',
  client_file: '',
  subject: '',
  schedule: '',
  includes: [],
  excludes: []
};

/** Problems that end when something about the storage is changed. */
const MENDED = /^(storage|folder|service_account|credentials|client_file|restore|home)\./;

/** What of Drive a storage may see, in words. */
export function scopeWords(scope: IStorageValues['scope'], trans: TranslationBundle): string {
  switch (scope) {
    case '':
      return trans.__('What it needs');
    case 'drive.file':
      return trans.__('What it made itself');
    case 'drive.readonly':
      return trans.__('Everything, to read');
    case 'drive':
      return trans.__('Everything, to read and write');
  }
}

/**
 * What is wrong with a storage, in words: where it has a client of its own, what is meant for an
 * administrator elsewhere is meant for the person.
 */
export function storageProblem(
  problem: IProblem,
  credentials: IStorageValues['credentials'],
  now: number,
  trans: TranslationBundle
): IWords {
  const said = problemWords(problem, null, now, trans);
  const own = (sentence: string): IWords => ({ short: said.short, sentence, action: null });
  if (credentials !== 'client') {
    return said;
  }
  switch (problem.code) {
    case 'client_file.invalid': {
      const { path, problem: why } = problem.params;
      return own(
        typeof path === 'string' && typeof why === 'string'
          ? trans.__('The client file %1 cannot be used: %2.', path, why)
          : plain(problem.sentence)
      );
    }
    case 'project.api_off':
      return own(
        trans.__(
          'The Google Drive API is not switched on in the project of your client. Switch it on in Google Cloud, wait some minutes, and run this again.'
        )
      );
    case 'project.client_gone':
      return own(
        trans.__(
          'Google no longer knows your client. Download its file again in Google Cloud under Clients, or make a new one.'
        )
      );
    case 'auth.testing_mode':
      return own(
        trans.__(
          'Google ended the permission after 7 days, as it does while an app is in Testing. Give it again, or publish your app in Google Cloud.'
        )
      );
    case 'credentials.scope':
      return own(
        trans.__('Its permission does not reach far enough. Give it again, for all that is asked.')
      );
    default:
      return said;
  }
}

/** Which way a storage goes, in words. */
export function directionWords(
  direction: IStorageValues['direction'],
  trans: TranslationBundle
): string {
  return direction === 'import' ? trans.__('Brings from Drive') : trans.__('Copies to Drive');
}

/** Characters at the beginning and the end of an id that tell it from others. */
const KNOWN_BY = 6;

/** The folder on Drive in a narrow place: of an address the id, of an id its ends. */
export function driveWords(drive: string): string {
  const id = /(?:[/=]|^)([\w-]{15,})(?:[/?&#][^/]*)?$/.exec(drive)?.[1];
  const named = id !== undefined && (drive.includes('://') || drive === id);
  return named ? `${id.slice(0, KNOWN_BY)}…${id.slice(-KNOWN_BY)}` : drive;
}

function buttonWords(action: StorageAction, trans: TranslationBundle): string {
  switch (action) {
    case 'run':
      return trans.__('Run now');
    case 'cancel':
      return trans.__('Cancel');
    case 'review':
      return trans.__('Review');
    case 'edit':
      return trans.__('Edit…');
    case 'authorize':
    case 'permit':
      return trans.__('Authorize Google Drive…');
    case 'admin':
      return trans.__('Copy message for admin');
  }
}

function running({ status, progress }: IStorage, trans: TranslationBundle): string {
  if (status.status === 'queued' || progress === null) {
    return trans.__('It is about to begin.');
  }
  const { done, total, bytes_done, bytes_total } = progress;
  if (total === 0) {
    return trans.__('Looking for changes…');
  }
  const files = trans._n('%2 of %3 file', '%2 of %3 files', total, count(done), count(total));
  return bytes_total > 0
    ? `${files}, ${trans.__('%1 of %2', size(bytes_done), size(bytes_total))}`
    : files;
}

function ended(storage: IStorage, now: number, trans: TranslationBundle): string {
  const { status, direction } = storage;
  const failed = counter(status.meta, 'failed');
  if (failed > 0) {
    return trans._n(
      '%2 file did not get across; it is tried again the next time.',
      '%2 files did not get across; they are tried again the next time.',
      failed,
      count(failed)
    );
  }
  const at = status.last_sync === null ? '' : moment(status.last_sync, now, trans);
  const files = trans._n(
    '%2 file',
    '%2 files',
    status.last_sync_count,
    count(status.last_sync_count)
  );
  return direction === 'import'
    ? trans.__('As on Drive %1, %2.', at, files)
    : trans.__('Copied and checked %1, %2.', at, files);
}

/** Says how a storage stands, with the one thing to do. */
export function describeStorage(
  storage: IStorage,
  now: number,
  trans: TranslationBundle
): IStorageView {
  const view = (
    shape: Shape,
    sentence: string,
    action: StorageAction,
    admin = ''
  ): IStorageView => ({ shape, sentence, action, button: buttonWords(action, trans), admin });
  const { status } = storage;
  if (status.status === 'queued' || status.status === 'in_progress') {
    return view('syncing', running(storage, trans), 'cancel');
  }
  if (!storage.connected) {
    return storage.credentials === 'client'
      ? view(
          'needs_you',
          trans.__('It has a Google client of its own, and no permission yet.'),
          'permit'
        )
      : view('needs_you', trans.__('Google Drive is not connected yet.'), 'authorize');
  }
  const hold = status.holds[0];
  if (hold) {
    return view('needs_you', holdWords({ ...hold, paths_href: '' }, now, trans), 'review');
  }
  if (status.problem !== null) {
    return troubled(status.problem, storage.credentials, view, now, trans);
  }
  if (status.last_sync === null && status.status === 'initialized') {
    return view('waiting', trans.__('It has not run yet.'), 'run');
  }
  const failed = counter(status.meta, 'failed') > 0 || status.last_sync === null;
  return view(failed ? 'waiting' : 'synced', ended(storage, now, trans), 'run');
}

function troubled(
  problem: IProblem,
  credentials: IStorageValues['credentials'],
  view: (shape: Shape, sentence: string, action: StorageAction, admin?: string) => IStorageView,
  now: number,
  trans: TranslationBundle
): IStorageView {
  const said = storageProblem(problem, credentials, now, trans);
  if (problem.code === 'run.cancelled') {
    return view(
      'waiting',
      trans.__('You stopped it; what was done stays, and the next run goes on from there.'),
      'run'
    );
  }
  if (credentials === 'client' && /^(auth\.|credentials\.scope$)/.test(problem.code)) {
    return view('needs_you', said.sentence, 'permit');
  }
  if (credentials === 'client' && problem.code === 'project.client_gone') {
    return view('needs_you', said.sentence, 'edit');
  }
  if (credentials === 'client' && problem.code === 'project.api_off') {
    return view('needs_you', said.sentence, 'run');
  }
  if (MENDED.test(problem.code)) {
    return view(problem.who === 'wait' ? 'offline' : 'needs_you', said.sentence, 'edit');
  }
  if (problem.who === 'admin') {
    return view('cant_sync', said.sentence, 'admin', said.admin ?? problem.sentence);
  }
  if (problem.who === 'user' && problem.code.startsWith('auth.')) {
    return view('needs_you', said.sentence, 'authorize');
  }
  return view(problem.who === 'wait' ? 'offline' : 'needs_you', said.sentence, 'run');
}

/** Which field a problem is about, of those that are shown. */
export function fieldOf({ code, params }: IProblem, values: IStorageValues): Field {
  const field = whichField(code, params);
  const own = values.credentials;
  if (field === 'key_file' || field === 'subject') {
    return own === 'service_account' || (own === 'adc' && field === 'subject')
      ? field
      : 'credentials';
  }
  if (field === 'client_file') {
    return own === 'client' ? field : 'credentials';
  }
  return field === 'scope' && !isWide(values) ? 'credentials' : field;
}

function whichField(code: string, params: IProblem['params']): Field {
  const [area] = code.split('.');
  switch (area) {
    case 'storage':
      return typeof params.field === 'string' && params.field in NEW ? (params.field as Field) : '';
    case 'folder':
    case 'restore':
      return 'drive';
    case 'home':
      return 'local';
    case 'client_file':
      return 'client_file';
    case 'auth':
    case 'project':
      return 'credentials';
    case 'credentials':
      return 'scope';
    case 'service_account':
      return code.endsWith('not_delegated')
        ? 'subject'
        : code.endsWith('owns_nothing')
          ? 'credentials'
          : 'key_file';
    default:
      return '';
  }
}

/** Whether the scope can be chosen: one's own permission covers one alone. */
export function isWide({ credentials }: IStorageValues): boolean {
  return !['auto', 'own', 'broker', 'hub'].includes(credentials);
}

/** What can be seen to be wrong without asking anybody; null where nothing is. */
export function check(
  values: IStorageValues,
  taken: readonly string[],
  trans: TranslationBundle
): { field: Field; words: string } | null {
  const { name, local, drive, credentials, key_file, client_file, subject } = values;
  const wrong = (field: Field, words: string): { field: Field; words: string } => ({
    field,
    words
  });
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) {
    return wrong(
      'name',
      trans.__('A name has at most 64 letters, digits, dots, dashes and underscores; no spaces.')
    );
  }
  if (name === 'home' || taken.includes(name.toLowerCase())) {
    return wrong('name', trans.__('There is one of that name; take another.'));
  }
  if (drive === '') {
    return wrong('drive', trans.__('Which folder on Drive? Its address, its id, or its path.'));
  }
  if (local === '' || local === '.' || local === '/') {
    return wrong('local', trans.__('Which folder in your home? It is made where there is none.'));
  }
  if (local.startsWith('~') || local.split('/').includes('..')) {
    return wrong('local', trans.__('A folder below your home, without ~ and without ..'));
  }
  if (credentials === 'service_account' && key_file === '') {
    return wrong('key_file', trans.__("Where is the service account's key?"));
  }
  if (credentials === 'client' && client_file === '') {
    return wrong('client_file', trans.__('Where is the client file?'));
  }
  if (subject !== '' && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(subject)) {
    return wrong('subject', trans.__('That is no address of a person.'));
  }
  return null;
}

/** What was filled in, without what does not go with the rest. */
export function tidied(values: IStorageValues): IStorageValues {
  const { credentials } = values;
  return {
    ...values,
    name: values.name.trim(),
    local: values.local.trim().replace(/(.)\/+$/, '$1'),
    drive: values.drive.trim(),
    scope: isWide(values) ? values.scope : '',
    key_file: credentials === 'service_account' ? values.key_file.trim() : '',
    client_file: credentials === 'client' ? values.client_file.trim() : '',
    subject: credentials === 'service_account' || credentials === 'adc' ? values.subject.trim() : ''
  };
}

/** The values of a storage alone, as a form and the server take them. */
export function valuesOf(storage: IStorageValues): IStorageValues {
  const { name, local, drive, direction, scope, credentials, schedule } = storage;
  const { key_file, client_file, subject, includes, excludes } = storage;
  return {
    name,
    local,
    drive,
    direction,
    scope,
    credentials,
    key_file,
    client_file,
    subject,
    schedule,
    includes,
    excludes
  };
}

/** What trying a storage has found, in a sentence. */
export function foundWords(
  account: string,
  folder: string,
  sample: string,
  trans: TranslationBundle
): string {
  if (folder === '') {
    return trans.__(
      'It works, as %1. The folder on Drive is made when something is copied.',
      account
    );
  }
  return sample === ''
    ? trans.__('It works, as %1: the folder %2 is there.', account, folder)
    : trans.__('It works, as %1: %3 can be read in %2.', account, folder, sample);
}
