import { fitted } from '../src/format';
import { baseName, count, duration, language, moment, shortDuration, size } from '../src/format';
import { hours, NOON, trans } from './fixtures';

describe('format', () => {
  beforeEach(() => {
    document.documentElement.lang = 'en-GB';
  });

  it('takes the variety of the language that the browser prefers', () => {
    expect(language()).toBe('en-US'); // what jsdom prefers
    document.documentElement.lang = 'de';
    expect(language()).toBe('de');
    document.documentElement.lang = '';
    expect(language()).toBeUndefined();
  });

  it.each<[number, string]>([
    [0, '0\u00a0bytes'],
    [999, '999\u00a0bytes'],
    [1000, '1\u00a0KB'],
    [16500, '16.5\u00a0KB'],
    [310_000_000, '310\u00a0MB'],
    [1_400_000_000, '1.4\u00a0GB'],
    [999_999_999, '1\u00a0GB'],
    [5e15, '5,000\u00a0TB']
  ])('writes %d bytes as %s', (bytes, said) => {
    expect(size(bytes)).toBe(said);
  });

  it.each<[number, string, string]>([
    [10, 'less than a minute', '<1\u00a0min'],
    [60, 'about 1 minute', '1\u00a0min'],
    [250, 'about 4 minutes', '4\u00a0min'],
    [1600, 'about 25 minutes', '25\u00a0min'],
    [5400, 'about 2 hours', '2\u00a0h'],
    [3600 * 7, 'about 7 hours', '7\u00a0h']
  ])('rounds %d seconds', (seconds, long, short) => {
    expect(duration(seconds, trans)).toBe(long);
    expect(shortDuration(seconds, trans)).toBe(short);
  });

  it('names days', () => {
    expect(moment(hours(-1), NOON, trans)).toMatch(/^11:00/);
    expect(moment(hours(-24), NOON, trans)).toMatch(/^yesterday 12:00/);
    expect(moment(hours(15), NOON, trans)).toMatch(/^tomorrow 03:00/);
    expect(moment(hours(-240), NOON, trans)).toBe('Nov 11');
    expect(moment(hours(24 * 60), NOON, trans)).toBe('Jan 20, 2027');
  });

  it('writes numbers and names', () => {
    expect(count(12345)).toBe('12,345');
    expect(baseName('a/b.ipynb')).toBe('b.ipynb');
    expect(baseName('a/b/')).toBe('b');
    expect(baseName('c')).toBe('c');
  });
});

describe('fitted', () => {
  it('leaves alone what has room', () => {
    expect(fitted('Short.')).toBe('Short.');
    expect(fitted('x'.repeat(140))).toHaveLength(140);
  });

  it('drops whole clauses, else whole words', () => {
    const first = `${'word '.repeat(20)}ends here`;
    expect(fitted(`${first}. ${'more '.repeat(20)}.`)).toBe(`${first}.`);
    expect(fitted(`${first}; ${'more '.repeat(20)}.`)).toBe(`${first}.`);
    const words = fitted('word '.repeat(40));
    expect(words.length).toBeLessThanOrEqual(140);
    expect(words).toMatch(/word…$/);
    expect(fitted('x'.repeat(300))).toHaveLength(121);
  });
});
