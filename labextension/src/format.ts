/** Numbers, sizes and times as a person says them. Pure: the clock is handed in. */
import type { TranslationBundle } from '@jupyterlab/translation';

const DAY = 86_400_000;

/** The language of numbers and times: the page's, in the variety that the browser prefers. */
export function language(): string | undefined {
  const page = document.documentElement.lang;
  const own = navigator.languages.find(each => each.split('-')[0] === page.split('-')[0]);
  return own ?? (page || undefined);
}

/** Writes a whole number with its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString(language());
}

/** Between a number and its unit, which stand on one line. */
const TIED = '\u00a0';

/** Writes bytes as Google does, by powers of 1000: `1.4 GB`. */
export function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) {
    // The one unit that has a plural, and another name elsewhere.
    const whole = { style: 'unit', unit: 'byte', unitDisplay: 'long' } as const;
    return Math.round(value).toLocaleString(language(), whole).replace(' ', TIED);
  }
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  const number = value.toLocaleString(language(), { maximumFractionDigits: digits });
  return `${number}${TIED}${units[unit]}`;
}

/** Says how long something takes, rounded as far as it is believed: `about 4 minutes`. */
export function duration(seconds: number, trans: TranslationBundle): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) {
    return trans.__('less than a minute');
  }
  if (minutes < 90) {
    const shown = minutes > 10 ? Math.round(minutes / 5) * 5 : minutes;
    return trans._n('about %1 minute', 'about %1 minutes', shown);
  }
  return trans._n('about %1 hour', 'about %1 hours', Math.round(minutes / 60));
}

/** The same for a place without room: `4 min`, `<1 min`. */
export function shortDuration(seconds: number, trans: TranslationBundle): string {
  const minutes = Math.round(seconds / 60);
  const shown = minutes < 1 ? '<1' : minutes > 10 ? Math.round(minutes / 5) * 5 : minutes;
  const words =
    minutes < 90 ? trans.__('%1 min', shown) : trans.__('%1 h', Math.round(minutes / 60));
  return words.replace(' ', TIED);
}

/** Writes the time of day. */
export function clock(at: Date): string {
  return at.toLocaleTimeString(language(), { hour: '2-digit', minute: '2-digit' });
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

/**
 * Says when: the time alone for today, else with "yesterday", "tomorrow" or the date.
 *
 * @param at seconds since the epoch.
 * @param now milliseconds since the epoch.
 * @param exact whether the time is told of another day too.
 */
export function moment(at: number, now: number, trans: TranslationBundle, exact = false): string {
  const then = new Date(at * 1000);
  const days = Math.round((midnight(then) - midnight(new Date(now))) / DAY);
  if (days === 0) {
    return clock(then);
  }
  if (days === -1) {
    return trans.__('yesterday %1', clock(then));
  }
  if (days === 1) {
    return trans.__('tomorrow %1', clock(then));
  }
  return exact ? `${day(at, now)}, ${clock(then)}` : day(at, now);
}

/** Names a day: today, yesterday, or its weekday and date. */
export function dayWords(at: number, now: number, trans: TranslationBundle): string {
  const then = new Date(at * 1000);
  const days = Math.round((midnight(then) - midnight(new Date(now))) / DAY);
  if (days === 0) {
    return trans.__('Today');
  }
  if (days === -1) {
    return trans.__('Yesterday');
  }
  return `${then.toLocaleDateString(language(), { weekday: 'short' })} ${day(at, now)}`;
}

/** Writes a day, with its year where that is another one. */
export function day(at: number, now: number): string {
  const then = new Date(at * 1000);
  const year = then.getFullYear() === new Date(now).getFullYear() ? undefined : 'numeric';
  return then.toLocaleDateString(language(), { day: 'numeric', month: 'short', year });
}

/** The last part of a path. */
export function baseName(path: string): string {
  const bare = path.replace(/\/$/, '');
  return bare.slice(bare.lastIndexOf('/') + 1);
}

/** Characters of a notification that Jupyter shows; it cuts what is longer. */
const ROOM = 140;

/** Shortens a text to what a notification shows: by whole clauses, else by whole words. */
export function fitted(text: string): string {
  if (text.length <= ROOM) {
    return text;
  }
  const room = text.slice(0, ROOM);
  const clause = Math.max(room.lastIndexOf('. '), room.lastIndexOf('; '));
  return clause > 0
    ? `${room.slice(0, clause)}.`
    : `${room.slice(0, Math.max(room.lastIndexOf(' '), ROOM - 20))}…`;
}
