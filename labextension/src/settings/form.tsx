/** What a person sets about the backup, in JupyterLab's settings editor; kept by the server alone. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';
import { Refused } from '../client';
import type { ISettings, SettingsChange } from '../contract';
import type { Desk } from '../desk';
import { moment } from '../format';
import { dayName, readSchedule, type Rhythm, scheduleWords, writeSchedule } from './schedule';

const GB = 1e9;
const MB = 1e6;

/** A row of the form: what it is, the control, and who decided it where that was the admin. */
function Field(props: {
  label: string;
  hint?: string;
  fixed: boolean;
  trans: TranslationBundle;
  children: React.ReactNode;
}): React.JSX.Element {
  return (
    <fieldset className="jp-DriveSync-setting" disabled={props.fixed}>
      <legend>{props.label}</legend>
      <div className="jp-DriveSync-setting-row">{props.children}</div>
      {props.hint !== undefined && <p className="jp-DriveSync-setting-hint">{props.hint}</p>}
      {props.fixed && (
        <p className="jp-DriveSync-setting-hint">
          <strong>{props.trans.__('Set by your admin; it cannot be changed here.')}</strong>
        </p>
      )}
    </fieldset>
  );
}

/** A text that is taken when the person leaves it, or presses Enter. */
function Text(props: {
  label: string;
  value: string;
  take: (value: string) => void;
  kind?: 'text' | 'time' | 'number';
  list?: string;
  placeholder?: string;
  rows?: number;
  /** Whether what was typed last was refused. */
  refused: boolean;
}): React.JSX.Element {
  const [text, setText] = useState(props.value);
  useEffect(() => setText(props.value), [props.value]);
  const take = (): void => {
    // What was refused may be taken back by typing what was there before.
    if (text !== props.value || props.refused) {
      props.take(text);
    }
  };
  const shared = {
    'aria-label': props.label,
    'aria-invalid': props.refused,
    value: text,
    placeholder: props.placeholder,
    spellCheck: false,
    onBlur: take
  };
  if (props.rows !== undefined) {
    return (
      <textarea
        {...shared}
        rows={props.rows}
        onChange={event => setText(event.currentTarget.value)}
      />
    );
  }
  return (
    <input
      {...shared}
      type={props.kind ?? 'text'}
      min={props.kind === 'number' ? 0 : undefined}
      step="any"
      list={props.list}
      onChange={event => setText(event.currentTarget.value)}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          event.preventDefault();
          take();
        }
      }}
    />
  );
}

/** Says why a value was not taken. */
function whyNot(problem: unknown, desk: Desk): string {
  const { trans } = desk;
  if (!(problem instanceof Refused) || problem.problem.code !== 'settings.invalid') {
    return desk.whyNot(problem);
  }
  switch (problem.problem.params.name) {
    case 'time_zone':
      return trans.__('There is no such time zone.');
    case 'schedule':
      return trans.__('This is no cron expression: minute, hour, day, month, day of the week.');
    default:
      return trans.__('This cannot be set; what was set before still counts.');
  }
}

/** The time zones that the browser knows. */
function zones(): string[] {
  const known = Intl as unknown as { supportedValuesOf?: (what: string) => string[] };
  return known.supportedValuesOf?.('timeZone') ?? [];
}

/** A number as a field shows it, in a unit. */
function inUnit(bytes: number, unit: number): string {
  return String(Math.round((bytes / unit) * 1000) / 1000);
}

/** Bytes that were typed in a unit; null where nothing was, NaN where it is no number. */
function bytesOf(text: string, unit: number): number | null {
  return text.trim() === '' ? null : Math.round(Number(text.replace(',', '.')) * unit);
}

/** Which files get a mark: Jupyter's own setting, in words that are translated here. */
export function MarksSetting(props: {
  desk: Desk;
  value: string;
  take: (value: string) => void;
}): React.JSX.Element {
  const { trans } = props.desk;
  const choices = [
    ['exceptions', trans.__('What is not plainly synced')],
    ['all', trans.__('Every file')],
    ['none', trans.__('No file')]
  ];
  return (
    <div className="jp-DriveSync-settings">
      <Field
        label={trans.__('Marks in the file browser')}
        hint={trans.__('A file without a mark is on Drive as it is here.')}
        fixed={false}
        trans={trans}
      >
        <select
          aria-label={trans.__('Marks in the file browser')}
          value={props.value}
          onChange={event => props.take(event.currentTarget.value)}
        >
          {choices.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </Field>
    </div>
  );
}

/** The form. */
export function BackupSettings({ desk }: { desk: Desk }): React.JSX.Element {
  const { model, trans } = desk;
  const [settings, setSettings] = useState<ISettings | null>(null);
  /** What was refused, by setting; '': what concerns none of them. */
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  /** Whether the person wants to see the expression, though it has simple words. */
  const [byCron, setByCron] = useState(false);

  const tell = (name: string, problem: string): void =>
    setProblems(before => {
      const others = Object.entries(before).filter(([each]) => each !== name);
      return Object.fromEntries(problem === '' ? others : [...others, [name, problem]]);
    });
  const load = async (): Promise<void> => {
    try {
      setSettings(await model.client.getSettings());
      tell('', '');
    } catch (found) {
      tell('', desk.whyNot(found));
    }
  };
  useEffect(() => {
    let seq = -1;
    const look = (): void => {
      // What changed elsewhere: the panel, the command line, another tab.
      const now = model.status?.seq ?? 0;
      if (now !== seq && !model.syncing) {
        seq = now;
        void load();
      }
    };
    look();
    model.changed.connect(look);
    return () => {
      model.changed.disconnect(look);
    };
  }, [model]);

  const change = async (values: SettingsChange): Promise<void> => {
    const [name = ''] = Object.keys(values);
    try {
      setSettings(await model.client.patchSettings(values));
      tell(name, '');
    } catch (found) {
      // It stands in its field, and is named, until it is mended: another change does not hide it.
      tell(name, whyNot(found, desk));
    }
  };
  if (settings === null) {
    return (
      <p className="jp-DriveSync-setting-hint" role="status">
        {problems[''] ?? trans.__('Looking…')}
      </p>
    );
  }
  const fixed = (name: string): boolean => settings.by_admin.includes(name);
  const when = readSchedule(settings.schedule);
  const rhythmShown = byCron ? 'other' : when.rhythm;
  const rhythms: [Rhythm, string][] = [
    ['daily', trans.__('Every night')],
    ['weekdays', trans.__('Monday to Friday')],
    ['weekly', trans.__('Once a week')],
    ['never', trans.__('Never by itself')],
    ['other', trans.__('By a cron expression')]
  ];
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const next = settings.next_run;
  const number = (text: string, unit: number, name: 'max_file_size' | 'bandwidth'): void => {
    const bytes = bytesOf(text, unit);
    if (bytes !== null && (Number.isNaN(bytes) || bytes < 0)) {
      tell(name, trans.__('"%1" is no number.', text));
      return;
    }
    void change({ [name]: bytes });
  };
  return (
    <div className="jp-DriveSync-settings jp-mod-server">
      <p className="jp-DriveSync-setting-problem" role="alert">
        {Object.values(problems).join(' ')}
      </p>
      <Field
        label={trans.__('Sync by itself')}
        fixed={fixed('schedule')}
        trans={trans}
        hint={
          next === null
            ? trans.__('Now: %1.', scheduleWords(settings.schedule, trans))
            : trans.__(
                'Now: %1. Next: %2.',
                scheduleWords(settings.schedule, trans),
                moment(next, Date.now(), trans, true)
              )
        }
      >
        <select
          aria-label={trans.__('How often')}
          value={rhythmShown}
          onChange={event => {
            const rhythm = event.currentTarget.value as Rhythm;
            setByCron(rhythm === 'other');
            if (rhythm !== 'other') {
              void change({ schedule: writeSchedule({ ...when, rhythm }) });
            }
          }}
        >
          {rhythms.map(([rhythm, words]) => (
            <option key={rhythm} value={rhythm}>
              {words}
            </option>
          ))}
        </select>
        {rhythmShown === 'weekly' && (
          <select
            aria-label={trans.__('Day of the week')}
            value={when.day}
            onChange={event =>
              void change({
                schedule: writeSchedule({ ...when, day: Number(event.currentTarget.value) })
              })
            }
          >
            {[1, 2, 3, 4, 5, 6, 0].map(day => (
              <option key={day} value={day}>
                {dayName(day)}
              </option>
            ))}
          </select>
        )}
        {rhythmShown === 'other' ? (
          <Text
            label={trans.__('Cron expression')}
            refused={'schedule' in problems}
            value={when.cron}
            take={cron => void change({ schedule: cron })}
          />
        ) : (
          rhythmShown !== 'never' && (
            <Text
              label={trans.__('Time')}
              refused={'schedule' in problems}
              kind="time"
              value={when.time}
              take={time => {
                if (time !== '') {
                  void change({ schedule: writeSchedule({ ...when, time }) });
                }
              }}
            />
          )
        )}
      </Field>
      <Field
        label={trans.__('Time zone')}
        fixed={fixed('time_zone')}
        trans={trans}
        hint={trans.__('Now: %1.', settings.effective_time_zone)}
      >
        <Text
          label={trans.__('Time zone')}
          refused={'time_zone' in problems}
          value={settings.time_zone}
          list="jp-DriveSync-zones"
          placeholder={trans.__('as in your browser (%1)', own)}
          take={zone => void change({ time_zone: zone.trim() })}
        />
        <datalist id="jp-DriveSync-zones">
          {zones().map(zone => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </Field>
      <Field
        label={trans.__('Left out')}
        fixed={fixed('excludes')}
        trans={trans}
        hint={trans.__(
          'One folder or file on each line, such as "/data/" or "*.bin". What is already on Drive stays there.'
        )}
      >
        <Text
          label={trans.__('Left out')}
          refused={'excludes' in problems}
          rows={4}
          value={settings.excludes.join('\n')}
          take={text =>
            void change({
              excludes: text
                .split('\n')
                .map(line => line.trim())
                .filter(line => line !== '')
            })
          }
        />
      </Field>
      <Field
        label={trans.__('Largest file')}
        fixed={fixed('max_file_size')}
        trans={trans}
        hint={trans.__('Larger files are left out and listed. Empty: the usual limit.')}
      >
        <Text
          label={trans.__('Largest file, in GB')}
          refused={'max_file_size' in problems}
          kind="number"
          value={inUnit(settings.max_file_size, GB)}
          take={text => number(text, GB, 'max_file_size')}
        />
        <span>GB</span>
      </Field>
      <Field
        label={trans.__('Speed')}
        fixed={fixed('bandwidth')}
        trans={trans}
        hint={trans.__('At most so much is sent in a second. 0 or empty: as fast as it goes.')}
      >
        <Text
          label={trans.__('Speed, in MB per second')}
          refused={'bandwidth' in problems}
          kind="number"
          value={inUnit(settings.bandwidth, MB)}
          take={text => number(text, MB, 'bandwidth')}
        />
        <span>{trans.__('MB per second')}</span>
      </Field>
      <Field label={trans.__('Notifications')} fixed={fixed('notify')} trans={trans}>
        <label>
          <input
            type="checkbox"
            checked={settings.notify === 'problems'}
            onChange={event =>
              void change({ notify: event.currentTarget.checked ? 'problems' : 'never' })
            }
          />
          <span>{trans.__('Tell me when something needs me; never when all went well')}</span>
        </label>
      </Field>
    </div>
  );
}
