import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import type { IHold } from '../src/contract';
import { holdWords } from '../src/holds';
import { outcomeWords, reasonWords } from '../src/reasons';
import { file, hours, NOON, trans } from './fixtures';

const package_ = join(__dirname, '..', '..', 'jupyter_drive_sync');

function source(path: string): string {
  return readFileSync(join(package_, path), 'utf-8');
}

describe('outcomeWords', () => {
  it('has words for each outcome, and for new ones the reason', () => {
    const outcomes =
      'uploaded updated moved trashed archived newer_on_drive replaced_edit held unclaimed declined moved_out kept_edited revived restored beside untrashed put_back skipped brought refreshed edited_here gone_on_drive'.split(
        ' '
      );
    const said = outcomes.map(outcome => outcomeWords(file('a', outcome), trans));
    expect(new Set(said).size).toBe(outcomes.length);
    expect(outcomeWords(file('a', 'failed', 'file.changed'), trans)).toContain('next time');
    expect(outcomeWords(file('a', 'left_out', 'left_out.special'), trans)).toBe('special file');
    expect(outcomeWords(file('a', 'archived', 'remark.left_out'), trans)).toBe(
      'left out now, kept on Drive'
    );
    expect(outcomeWords(file('a', 'new'), trans)).toBe('new');
    expect(outcomeWords({ ...file('a', 'new'), reason: 'Its own.' }, trans)).toBe('Its own.');
  });
});

describe('reasonWords', () => {
  const said = (code: string, params = {}): string =>
    reasonWords({ reason: 'In English.', code, params }, trans);

  it('has words of its own for every code of the other half', () => {
    const sources = readdirSync(package_, { recursive: true, encoding: 'utf-8' })
      .filter(name => /^(core|engine)[\\/].*\.py$/.test(name))
      .map(source)
      .join('\n');
    const codes = [...sources.matchAll(/"((?:skipped|remark|import)\.[a-z_]+)"/g)].map(m => m[1]!);
    expect(codes).toContain('import.moved_on_drive');
    codes.push('beside');
    const reasons = /_REASONS: Final = \{(.*?)\n\}/s.exec(source('engine/survey.py'))![1]!;
    codes.push(...[...reasons.matchAll(/^ {4}"([a-z_]+)":/gm)].map(m => `left_out.${m[1]!}`));
    expect(codes.length).toBeGreaterThan(18);
    for (const code of codes) {
      expect([code, said(code, { name: 'n', rule: 'r', limit: 1 })]).not.toContain('In English.');
    }
  });

  it('fills the values in', () => {
    expect(said('left_out.excluded', { rule: '*.bin' })).toBe('excluded by rule "*.bin"');
    for (const [rule, words] of [
      ['*.bin (excludes)', 'excluded by your rule "*.bin"'],
      ['.cache/ (default)', 'excluded by default (.cache/)'],
      ['a (b)/ (.driveignore, line 3)', 'excluded by rule "a (b)/" (.driveignore, line 3)'],
      ['*.o (a newer place)', 'excluded by rule "*.o" (a newer place)'],
      [
        'it holds pyvenv.cfg: a Python environment (default)',
        'excluded by default (Python environments)'
      ],
      [
        'it holds conda-meta: a conda environment (default)',
        'excluded by default (conda environments)'
      ]
    ]) {
      expect(said('left_out.excluded', { rule })).toBe(words);
    }
    expect(said('left_out.too_large', { limit: 2e9 })).toBe('larger than 2\u00a0GB (your limit)');
    expect(said('left_out.too_large')).toBe('larger than 0\u00a0bytes (your limit)');
    expect(said('file.unreadable', { problem: 'Permission denied' })).toBe('no permission to read');
    expect(said('file.unreadable')).toBe('no permission to read');
    expect(said('file.unreadable', { problem: 'Input/output error' })).toBe(
      'cannot be read (Input/output error)'
    );
    expect(said('file.not_taken', { problem: ['?'] })).toBe('cannot be written here ()');
  });

  it('tells what the server said where nobody knows the code', () => {
    expect(said('')).toBe('In English.');
    expect(said('left_out.of_a_newer_server')).toBe('In English.');
  });
});

describe('holdWords', () => {
  const hold = (kind: string, params: IHold['params'], number = 412): string =>
    holdWords(
      {
        id: 'h',
        kind,
        since: hours(-1),
        count: number,
        bytes: 1,
        reason: 'In English.',
        params,
        choices: [],
        paths_href: ''
      },
      NOON,
      trans
    );

  it('names the likely causes of deletions, every one that there is', () => {
    const alarms = /class Alarm\(.*?\n\n\n/s.exec(source('core/guard.py'))![0];
    const causes = [...alarms.matchAll(/^ {4}[A-Z_]+ = "([a-z_]+)"/gm)].map(m => m[1]!);
    expect(causes.length).toBeGreaterThan(8);
    const bare = hold('deletions', { mirrored: 1530, causes: ['of_a_newer_server'] });
    expect(bare).toBe('412 of 1,530 files are gone from your home. Nothing was removed on Drive.');
    expect(hold('deletions', { mirrored: 2 }, 1)).toMatch(/^1 of 2 files is gone from your home\./);
    const said = causes.map(cause => hold('deletions', { mirrored: 1530, causes: [cause] }));
    expect(new Set(said).size).toBe(causes.length);
    expect(said).not.toContain(bare);
    const folders = ['a', 'b', 'c'];
    const params = { mirrored: 3, causes: ['whole_folder', 'share'], folders, folders_more: 2 };
    expect(hold('deletions', params, 1)).toBe(
      '1 of 3 files is gone from your home (a, b, c and 2 more as a whole; more than a quarter at once). Nothing was removed on Drive.'
    );
  });

  it('tells what happened to the folder', () => {
    expect(hold('root_gone', { folder: 'home/ann', trashed: true })).toContain("Drive's trash");
    expect(hold('root_gone', { folder: 'home/ann', trashed: false })).toContain('was deleted');
    const other = { folder: 'home/ann', changed: hours(-24 * 19) };
    expect(hold('other_home', other)).toMatch(/another home, last changed on .*2/);
    expect(hold('other_home', { ...other, new: true })).toContain('perhaps the one that you had');
    expect(hold('other_home', { folder: 'home/ann' })).toContain('1970');
    expect(hold('moved_out', {}, 31)).toMatch(/^31 files were moved/);
    expect(hold('changed_client', {})).toContain('key to Google');
    expect(hold('other_account', {})).toContain('Another Google account');
  });

  it('takes the words of the server where values are missing', () => {
    for (const kind of ['deletions', 'root_gone', 'other_home', 'of a newer server']) {
      expect(hold(kind, {})).toBe('In English.');
    }
  });
});
