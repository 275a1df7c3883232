/** When everything is synced by itself, between cron and words. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { language } from '../format';

export type Rhythm = 'never' | 'daily' | 'weekdays' | 'weekly' | 'other';

/** A schedule as a form shows it. */
export interface IWhen {
  rhythm: Rhythm;
  /** `HH:MM`. */
  time: string;
  /** 0 is Sunday. */
  day: number;
  /** What stands there. */
  cron: string;
}

/** The time at which a night is over. */
const MORNING = '06:00';
/** What is proposed where nothing is set. */
const USUAL = { time: '03:00', day: 0 };

/** Reads a cron expression; one that has no simple words is `other`. */
export function readSchedule(cron: string): IWhen {
  const text = cron.trim();
  if (text === '') {
    return { rhythm: 'never', ...USUAL, cron: text };
  }
  const [, minute, hour, days] = /^(\d{1,2}) (\d{1,2}) \* \* (\S+)$/.exec(text) ?? [];
  if (minute === undefined || hour === undefined || days === undefined) {
    return { rhythm: 'other', ...USUAL, cron: text };
  }
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (days === '*') {
    return { rhythm: 'daily', time, day: USUAL.day, cron: text };
  }
  if (days.toLowerCase() === '1-5' || days.toLowerCase() === 'mon-fri') {
    return { rhythm: 'weekdays', time, day: USUAL.day, cron: text };
  }
  if (/^[0-7]$/.test(days)) {
    return { rhythm: 'weekly', time, day: Number(days) % 7, cron: text };
  }
  return { rhythm: 'other', ...USUAL, cron: text };
}

/** Writes the cron expression of a form. */
export function writeSchedule(when: IWhen): string {
  const [hour, minute] = when.time.split(':').map(Number);
  const at = `${minute ?? 0} ${hour ?? 0} * *`;
  switch (when.rhythm) {
    case 'never':
      return '';
    case 'daily':
      return `${at} *`;
    case 'weekdays':
      return `${at} 1-5`;
    case 'weekly':
      return `${at} ${when.day}`;
    case 'other':
      return when.cron.trim();
  }
}

/** The name of a day of the week in the language of the page; 0 is Sunday. */
export function dayName(day: number): string {
  // 1 November 2026 is a Sunday.
  return new Date(2026, 10, 1 + day).toLocaleDateString(language(), { weekday: 'long' });
}

/** The schedule in words. */
export function scheduleWords(cron: string, trans: TranslationBundle): string {
  const when = readSchedule(cron);
  switch (when.rhythm) {
    case 'never':
      return trans.__('never by itself');
    case 'daily':
      return when.time < MORNING
        ? trans.__('every night at %1', when.time)
        : trans.__('every day at %1', when.time);
    case 'weekdays':
      return trans.__('Monday to Friday at %1', when.time);
    case 'weekly':
      return trans.__('every %1 at %2', dayName(when.day), when.time);
    case 'other':
      return trans.__('by the expression "%1"', when.cron);
  }
}
