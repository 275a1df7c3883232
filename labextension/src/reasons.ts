/** Why a file is where it is, in the words of the person: by the server's codes and values. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IFileOutcome, ILeftOut, Params } from './contract';
import { size } from './format';
import { plain } from './plain';
import { PROBLEMS, words } from './problems';
import { text } from './wording';

/** A pattern, and where it stands, as the server says it after the pattern. */
const STANDING = /^(.*) \(([^()]*)\)$/s;
const LINE = /^(.*), line (\d+)$/s;

/** A rule that the server tells, in its parts. */
export interface IStandingRule {
  pattern: string;
  /** Name of a setting, `default`, or a file and its line; '' where that is not told. */
  where: string;
}

/** Takes a rule apart. */
export function ruleParts(rule: string): IStandingRule {
  const [, pattern = rule, where = ''] = STANDING.exec(rule) ?? [];
  return { pattern, where };
}

/** A pattern as it stands, or what a folder is that is known by what it holds. */
export function patternWords(pattern: string, trans: TranslationBundle): string {
  if (pattern.startsWith('it holds pyvenv.cfg: ')) {
    return trans.__('Python environments');
  }
  if (pattern.startsWith('it holds conda-meta: ')) {
    return trans.__('conda environments');
  }
  return plain(pattern);
}

/** Where a rule stands, in words. */
export function whereWords(where: string, trans: TranslationBundle): string {
  const [, file, line] = LINE.exec(where) ?? [];
  return line === undefined ? plain(where) : trans.__('%1, line %2', file, line);
}

function excludedWords(rule: string, trans: TranslationBundle): string {
  const { pattern, where } = ruleParts(rule);
  switch (where) {
    case 'default':
      return trans.__('excluded by default (%1)', patternWords(pattern, trans));
    case 'excludes':
      return trans.__('excluded by your rule "%1"', pattern);
    case '':
      return trans.__('excluded by rule "%1"', pattern);
    default:
      return trans.__('excluded by rule "%1" (%2)', pattern, whereWords(where, trans));
  }
}

/** A reason that has a code, in words; '' for a code that nobody here knows. */
function byCode(code: string, params: Params, trans: TranslationBundle): string {
  switch (code) {
    case 'left_out.excluded':
      return excludedWords(text(params, 'rule'), trans);
    case 'left_out.not_included':
      return trans.__('not among the chosen folders');
    case 'left_out.too_large':
      return trans.__('larger than %1 (your limit)', size(Number(params.limit ?? 0)));
    case 'left_out.link':
      return trans.__('link, not followed');
    case 'left_out.special':
      return trans.__('special file');
    case 'left_out.secret':
      return trans.__('keys and passwords are never copied (%1)', text(params, 'rule'));
    case 'left_out.state':
      return trans.__('our own records');
    case 'left_out.part':
      return trans.__('on its way back from Drive');
    case 'left_out.filesystem':
      return trans.__('the same folder again, mounted below itself');
    case 'skipped.shortcut':
      return trans.__('a shortcut, which has no content of its own');
    case 'skipped.google_document':
      return trans.__('a Google document; it can be opened on Drive');
    case 'skipped.no_content':
      return trans.__('Drive has no content of it');
    case 'skipped.no_version_then':
      return trans.__('Drive has no version of it from then');
    case 'skipped.no_version':
      return trans.__('Drive no longer has the version that the sync made');
    case 'skipped.changed_since':
      return trans.__('changed again since');
    case 'skipped.folder_in_trash':
      return trans.__("its folder lies in Drive's trash");
    case 'skipped.link':
      return trans.__('a link, which is never copied');
    case 'skipped.place':
      return trans.__('never brought back to such a place (%1)', text(params, 'rule'));
    case 'import.edited_here':
      return trans.__('edited here, and left so');
    case 'import.gone_on_drive':
      return trans.__('no longer on Drive; the one here stays');
    case 'import.moved_on_drive':
      return trans.__('elsewhere on Drive by now; the one here stays');
    case 'remark.kept_edited':
      return trans.__('kept on Drive, edited there');
    case 'remark.left_out':
      return trans.__('left out now, kept on Drive');
    case 'beside':
      return trans.__('as %1', text(params, 'name'));
    case 'file.unreadable':
      return /permission|^$/i.test(text(params, 'problem'))
        ? trans.__('no permission to read')
        : trans.__('cannot be read (%1)', text(params, 'problem'));
    case 'file.not_taken':
      return trans.__('cannot be written here (%1)', text(params, 'problem'));
    default:
      return code in PROBLEMS
        ? words(code, { trans, params, next: '', last: '', said: '' }).sentence
        : '';
  }
}

/** Why, in words; the server's own sentence where nobody knows its code. */
export function reasonWords(
  item: Pick<IFileOutcome | ILeftOut, 'reason' | 'code' | 'params'>,
  trans: TranslationBundle
): string {
  return byCode(item.code, item.params, trans) || plain(item.reason);
}

/** The words for what became of a file. */
export function outcomeWords(file: IFileOutcome, trans: TranslationBundle): string {
  switch (file.outcome) {
    case 'uploaded':
      return trans.__('copied, %1', size(file.size));
    case 'updated':
      return trans.__('updated, %1', size(file.size));
    case 'moved':
      return trans.__('moved');
    case 'trashed':
      return trans.__("in Drive's trash");
    case 'archived':
      return byCode(file.code, file.params, trans) || trans.__('kept on Drive, gone here');
    case 'newer_on_drive':
      return trans.__('newer on Drive, left as it is');
    case 'replaced_edit':
      return trans.__('replaced an edit on Drive');
    case 'held':
      return trans.__('waits for your answer');
    case 'unclaimed':
      return trans.__('on Drive, unknown here');
    case 'declined':
      return trans.__('removed on Drive twice, left there');
    case 'moved_out':
      return trans.__('moved out on Drive');
    case 'kept_edited':
      return trans.__('kept on Drive, edited there');
    case 'revived':
      return trans.__('brought back on Drive');
    case 'brought':
      return trans.__('brought, %1', size(file.size));
    case 'refreshed':
      return trans.__('made newer, %1', size(file.size));
    case 'edited_here':
      return trans.__('edited here, and left so');
    case 'gone_on_drive':
      return (
        byCode(file.code, file.params, trans) || trans.__('no longer on Drive; the one here stays')
      );
    case 'restored':
      return trans.__('brought back, %1', size(file.size));
    case 'beside':
      return trans.__('brought back beside what is here, %1', reasonWords(file, trans));
    case 'untrashed':
      return trans.__("taken out of Drive's trash");
    case 'put_back':
      return trans.__('put back on Drive');
    case 'skipped':
      return trans.__('not brought back: %1', reasonWords(file, trans));
    default:
      return reasonWords(file, trans) || file.outcome;
  }
}
