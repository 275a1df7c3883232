import { PageConfig } from '@jupyterlab/coreutils';
import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { PROBLEMS, words } from '../src/problems';
import { buttonWords } from '../src/view';
import { trans } from './fixtures';

const package_ = join(__dirname, '..', '..', 'jupyter_drive_sync');

/** Parts of the program whose problems no page of Jupyter shows: the hub has pages of its own. */
const ELSEWHERE = /^(hub|localdrive|demo|labextension|locale)[\\/]/;

/** The codes in the sources of the other half. */
function codes(): Set<string> {
  const errors = readdirSync(package_, { recursive: true, encoding: 'utf-8' })
    .filter(name => name.endsWith('.py') && !ELSEWHERE.test(name))
    .map(name => readFileSync(join(package_, name), 'utf-8'))
    .join('\n');
  const holds = readFileSync(join(package_, 'engine', 'holds.py'), 'utf-8');
  const api = readFileSync(join(package_, 'server', 'openapi.yaml'), 'utf-8');
  const found = [...errors.matchAll(/^ {4}code(?:: ClassVar\[str\])? = "([a-z_.]+)"/gm)].map(
    m => m[1]!
  );
  const kinds = [...holds.matchAll(/^ {4}(?:"([a-z_]+)"|DELETIONS|MOVED_OUT): \("/gm)];
  const held = kinds.map(m => `held.${m[1] ?? ''}`).filter(code => code !== 'held.');
  const routes = [...api.matchAll(/`((?:request|run|settings)\.[a-z_]+)`/g)].map(m => m[1]!);
  return new Set([...found, ...held, 'held.deletions', 'held.moved_out', ...routes]);
}

const context = {
  trans,
  params: { minutes: 7, limit: 500000, problem: 'x' },
  next: 'at 03:00',
  last: '02:00',
  said: 'What the server said.'
};

describe('PROBLEMS', () => {
  it('has words for every code of the program, and for no other', () => {
    const found = codes();
    expect(found.size).toBeGreaterThan(50);
    expect(Object.keys(PROBLEMS).sort()).toEqual([...found].sort());
  });

  it('says on a hub what a server helps that is older than its Google Drive', () => {
    PageConfig.setOption('hubPrefix', '/hub/');
    const said = words('project.no_client', context);
    PageConfig.setOption('hubPrefix', '');
    expect(said.sentence).toMatch(/restart your server: File, Hub Control Panel/);
    expect(said.action).toBe('copy_admin');
  });

  it('tells each way in which a sync can be cut off', () => {
    const errors = readFileSync(join(package_, 'errors.py'), 'utf-8');
    const causes = /^KilledBy = Literal\[(.*)\]$/m.exec(errors)![1]!.match(/[a-z]+/g)!;
    const told = new Set(
      causes.map(cause => words('run.killed', { ...context, params: { cause } }).sentence)
    );
    // A restart and a server that was stopped are the same for a person.
    expect(told.size).toBe(causes.length - 1);
  });

  it.each(Object.keys(PROBLEMS))('says %s in words of a person', code => {
    for (const said of ['What the server said.', '']) {
      for (const next of ['at 03:00', '']) {
        const now = { ...context, said, next, last: next && '02:00' };
        const { short, sentence, action, admin } = words(code, now);
        expect(short.length).toBeGreaterThan(3);
        expect(`Drive: ${short}`.length).toBeLessThanOrEqual(60);
        expect(`${short} ${sentence}`).not.toMatch(
          /!|%\d|undefined|\b(token|job|pass|ledger|mirror|storage|traceback|error)\b/i
        );
        if (said) {
          expect(sentence).not.toBe('');
        }
        if (action === 'copy_admin' && said) {
          expect(admin).toBeTruthy();
        }
        if (action) {
          expect(buttonWords(action, trans)).not.toBe('');
        }
      }
    }
  });

  // What each class of trouble has to tell: in short, in a sentence, and what its button says.
  it.each<[string, RegExp, RegExp, string]>([
    ['drive.busy', /^slowed by Google, goes on at 03:00$/, /asked us to go slower/, 'Go on now'],
    [
      'drive.daily_upload_limit',
      /^daily limit, goes on at/,
      /daily upload limit/,
      'See what is left'
    ],
    ['project.daily_limit', /your admin is needed$/, /tomorrow/, 'Copy message for admin'],
    ['drive.full', /^no space left$/, /what is on Drive is safe/, 'See what takes space'],
    ['drive.tree_limit', /^1 folder not synced$/, /the rest is synced/, 'Leave out folders…'],
    ['auth.expired', /^please reconnect$/, /files here are untouched/, 'Reconnect'],
    ['auth.revoked', /^please reconnect$/, /nothing is uploaded again/, 'Reconnect'],
    ['auth.testing_mode', /^please reconnect$/, /takes a minute/, 'Reconnect'],
    ['project.client_gone', /your admin is needed$/, /only an admin/, 'Copy message for admin'],
    ['project.no_client', /^not set up here$/, /Your admin has not/, 'Copy message for admin'],
    ['drive.not_ours', /^1 file copied anew$/, /fresh copy/, 'See the files'],
    ['auth.scope_missing', /^please reconnect$/, /box was not ticked/, 'Reconnect'],
    ['org.blocked', /blocked by your school$/, /cannot change that/, 'Copy message for admin'],
    ['project.api_off', /your admin is needed$/, /not switched on/, 'Copy message for admin'],
    ['drive.missing', /^1 file not synced$/, /copies it anew/, 'See the files'],
    ['held.root_gone', /^your Drive folder is gone$/, /What the server said/, 'Review'],
    [
      'drive.exists',
      /^1 file not synced$/,
      /copied anew by one of the next syncs$/,
      'See the files'
    ],
    ['drive.mismatch', /^1 file not synced$/, /sent again next time/, 'Sync now'],
    ['net.offline', /^offline, will retry$/, /last synced 02:00/, 'Sync now'],
    ['run.killed', /^sync stopped, goes on at 03:00$/, /go on where it was/, 'Go on now'],
    ['held.deletions', /^needs your answer$/, /What the server said/, 'Review'],
    ['run.busy', /another sync is running/, /is running/, ''],
    ['internal', /^sync stopped$/, /did not foresee.*at 03:00/, 'Copy details']
  ])('tells %s', (code, short, sentence, label) => {
    const said = words(code, context);
    expect(said.short).toMatch(short);
    expect(said.sentence).toMatch(sentence);
    expect(said.button ?? buttonWords(said.action, trans)).toBe(label);
  });

  it('mentions numbers where it has them', () => {
    const params = { free: '0.2 GB', needed: '1.4 GB' };
    expect(words('drive.full', { ...context, params }).sentence).toContain('0.2 GB free');
    expect(words('drive.full', { ...context, params: {} }).sentence).toContain('no space left');
    expect(words('clock.wrong', { ...context, params: {} }).sentence).toContain('?');
    expect(words('home.too_large', { ...context, params: {} }).sentence).toContain('?');
    expect(words('home.too_large', context).sentence).toContain('500000');
  });

  it('takes a code of a newer server for something unforeseen', () => {
    expect(words('new.thing', context)).toEqual(words('internal', context));
  });
});
