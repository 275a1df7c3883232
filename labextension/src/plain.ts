/** Words of others, to be read: a name must not turn its line around, break it, or hide a part. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';

/** What is not seen itself but changes what is; the joiners stay, which Persian and emoji need. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Writes what is not seen as its number, as the command line does: `\u202e`. */
export function plain(text: string): string {
  return text.replace(UNSEEN, char => {
    const code = char.codePointAt(0) ?? 0;
    const digits = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
    const letter = { 2: 'x', 4: 'u', 8: 'U' }[digits];
    return SHORT[char] ?? `\\${letter}${code.toString(16).padStart(digits, '0')}`;
  });
}

/** The same for lines, which stay lines. */
export function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}

/** The same translations, in which what is filled in is plain. */
export function plainly(bundle: TranslationBundle): TranslationBundle {
  const safe = (values: unknown[]): unknown[] =>
    values.map(value => (typeof value === 'string' ? plain(value) : value));
  const own: Pick<TranslationBundle, '__' | '_n'> = {
    __: (words, ...values) => bundle.__(words, ...safe(values)),
    _n: (one, many, number, ...values) => bundle._n(one, many, number, ...safe(values))
  };
  return Object.assign(Object.create(bundle) as TranslationBundle, own);
}
