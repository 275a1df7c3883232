/** The forms that the words of a problem take; which code has which is said in problems.ts. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Params } from './contract';

/** What the button of a problem does. */
export type Action =
  | 'authorize'
  | 'reconnect'
  | 'review'
  | 'sync'
  | 'files'
  | 'exclude'
  | 'space'
  | 'copy_admin'
  | 'copy_details';

/** A problem in words. */
export interface IWords {
  /** For the status bar and the tooltip, at most 50 characters, without "Drive: ". */
  short: string;
  /** What happened and what it means. */
  sentence: string;
  /** What helps; null where nothing but time does. */
  action: Action | null;
  /** Words of the button, where they are not those of the action. */
  button?: string;
  /** What whoever runs this Jupyter or the Google project has to know. */
  admin?: string;
}

/** What a sentence may mention. */
export interface IContext {
  trans: TranslationBundle;
  /** The parameters that came with the problem. */
  params: Params;
  /** When the next run begins, in words; empty while none is planned. */
  next: string;
  /** When the last success was, in words; empty for never. */
  last: string;
  /** The sentence that came with the problem, in English. */
  said: string;
}

/** A value as text; '' where there is none. */
export function text(params: Params, name: string): string {
  const value = params[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** How a code is put into words. */
export type Words = (context: IContext) => IWords;

/** When a sync that stopped goes on. */
export function goesOn({ trans, next }: IContext): string {
  return next ? trans.__('sync stopped, goes on %1', next) : trans.__('sync stopped');
}

/** How a sync was cut off, for each cause of errors.py. */
export function death({ trans, params }: IContext): string {
  switch (params.cause) {
    case 'memory':
      return trans.__(
        'Your server ran out of memory during the sync; it will go on where it was. Closing some notebooks helps.'
      );
    case 'killed':
      return trans.__('The sync was ended from outside; it will go on where it was.');
    case 'silence':
      return trans.__('The sync does not answer any more; it will go on where it was.');
    case 'queue':
      return trans.__('The sync lost its turn before it began; nothing was changed.');
    case 'crash':
      return trans.__('The sync ended unexpectedly; it will go on where it was.');
    default:
      return trans.__('The server was stopped during the sync; it will go on where it was.');
  }
}

/** Something that only an administrator sets. */
export const configured: Words = ({ trans, said }) => ({
  short: trans.__("can't sync, your admin is needed"),
  sentence: trans.__(
    'Something is not set up right on this server. Your files are untouched; you need do nothing but tell your admin.'
  ),
  action: 'copy_admin',
  admin: said
});

/** What somebody has set for a folder cannot be carried out; the server says exactly why. */
export const told =
  (short: (trans: TranslationBundle) => string): Words =>
  ({ trans, said }) => ({
    short: short(trans),
    sentence: said || trans.__('That cannot be done as it is set; nothing was changed.'),
    action: null
  });

/** The same where what came with it is enough to say it in the language of the page. */
export const toldOf =
  (
    short: (trans: TranslationBundle) => string,
    names: readonly string[],
    sentence: (trans: TranslationBundle, values: string[]) => string
  ): Words =>
  context => {
    const values = names.map(name => text(context.params, name));
    const plain = told(short)(context);
    return values.every(value => value !== '')
      ? { ...plain, sentence: sentence(context.trans, values) }
      : plain;
  };

/** What nobody foresaw. */
export const unforeseen: Words = context => ({
  short: context.trans.__('sync stopped'),
  sentence: context.next
    ? context.trans.__(
        'Something went wrong that we did not foresee; your files are untouched and it will be tried again %1.',
        context.next
      )
    : context.trans.__(
        'Something went wrong that we did not foresee; your files are untouched and it will be tried again.'
      ),
  action: 'copy_details'
});

/** What waits for an answer. */
export const held: Words = ({ trans, said }) => ({
  short: trans.__('needs your answer'),
  sentence: said || trans.__('Something waits for your answer; nothing was changed on Drive.'),
  action: 'review'
});

/** What is the matter with one file. */
export const fileProblem: Words = ({ trans, said }) => ({
  short: trans.__('1 file not synced'),
  sentence: said || trans.__('not synced this time; it is tried again at the next sync'),
  action: 'files'
});

/** A sync that came to no end. */
export const stopped: Words = context => ({
  short: goesOn(context),
  sentence: context.trans.__(
    'The sync was stopped before its end; nothing is lost and it will go on where it was.'
  ),
  action: 'sync',
  button: context.trans.__('Go on now')
});
