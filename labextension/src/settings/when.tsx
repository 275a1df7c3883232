/** A schedule in words, which becomes a cron expression. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';
import { dayName, readSchedule, type Rhythm, writeSchedule } from './schedule';

/** The choices: how often, and when. */
export function When(props: {
  cron: string;
  take: (cron: string) => void;
  trans: TranslationBundle;
  /** Id of the first control, for its label. */
  id: string;
  describedBy?: string;
  invalid?: boolean;
}): React.JSX.Element {
  const { cron, take, trans } = props;
  const when = readSchedule(cron);
  const [byCron, setByCron] = useState(when.rhythm === 'other');
  const rhythm: Rhythm = byCron ? 'other' : when.rhythm;
  const rhythms: [Rhythm, string][] = [
    ['never', trans.__('Never by itself')],
    ['daily', trans.__('Every day')],
    ['weekdays', trans.__('Monday to Friday')],
    ['weekly', trans.__('Once a week')],
    ['other', trans.__('By a cron expression')]
  ];
  return (
    <div className="jp-DriveSync-when">
      <select
        id={props.id}
        value={rhythm}
        aria-describedby={props.describedBy}
        aria-invalid={props.invalid}
        onChange={event => {
          const to = event.currentTarget.value as Rhythm;
          setByCron(to === 'other');
          if (to !== 'other') {
            take(writeSchedule({ ...when, rhythm: to }));
          }
        }}
      >
        {rhythms.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      {rhythm === 'weekly' && (
        <select
          aria-label={trans.__('Day of the week')}
          value={when.day}
          onChange={event =>
            take(writeSchedule({ ...when, day: Number(event.currentTarget.value) }))
          }
        >
          {[1, 2, 3, 4, 5, 6, 0].map(day => (
            <option key={day} value={day}>
              {dayName(day)}
            </option>
          ))}
        </select>
      )}
      {rhythm === 'other' && (
        <input
          type="text"
          aria-label={trans.__('Cron expression')}
          spellCheck={false}
          value={cron}
          onChange={event => take(event.currentTarget.value)}
        />
      )}
      {rhythm !== 'other' && rhythm !== 'never' && (
        <input
          type="time"
          aria-label={trans.__('Time')}
          value={when.time}
          onChange={event => {
            if (event.currentTarget.value !== '') {
              take(writeSchedule({ ...when, time: event.currentTarget.value }));
            }
          }}
        />
      )}
    </div>
  );
}
