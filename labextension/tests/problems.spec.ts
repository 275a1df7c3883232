import { readFileSync } from 'fs';
import { join } from 'path';
import { PROBLEMS, words } from '../src/problems';
import { buttonWords } from '../src/view';
import { trans } from './fixtures';

const package_ = join(__dirname, '..', '..', 'jupyter_drive_sync');

/** The codes in the sources of the other half. */
function codes(): Set<string> {
  const errors = readFileSync(join(package_, 'errors.py'), 'utf-8');
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
