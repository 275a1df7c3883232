/** A storage is made or changed: what is filled in is tried before it is kept. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useId, useRef, useState } from 'react';
import { Refused } from '../client';
import type { IStorage, IStorageValues } from '../contract';
import type { IPageProps } from '../dialog';
import { Button } from '../parts';
import { When } from '../settings/when';
import {
  check,
  type Field,
  fieldOf,
  foundWords,
  isWide,
  NEW,
  scopeWords,
  storageProblem,
  tidied,
  valuesOf
} from '../storages';

/** What is wrong, and where it is said. */
interface IWrong {
  field: Field;
  words: string;
}

/** A row of the form: its name, the control, a hint, and what is wrong with it. */
function Row(props: {
  field: Field;
  label: string;
  hint?: string;
  wrong: IWrong | null;
  /** Draws the control, which takes these. */
  children: (given: {
    id: string;
    'aria-describedby'?: string;
    'aria-invalid'?: boolean;
    'data-field': string;
  }) => React.ReactNode;
}): React.JSX.Element {
  const id = useId();
  const said = props.wrong?.field === props.field ? props.wrong.words : '';
  const about = [props.hint ? `${id}-hint` : '', said ? `${id}-wrong` : ''].filter(Boolean);
  return (
    <div className="jp-DriveSync-form-row">
      <label htmlFor={id}>{props.label}</label>
      {props.children({
        id,
        'aria-describedby': about.join(' ') || undefined,
        'aria-invalid': said ? true : undefined,
        'data-field': props.field
      })}
      {props.hint !== undefined && (
        <p id={`${id}-hint`} className="jp-DriveSync-form-hint">
          {props.hint}
        </p>
      )}
      {said !== '' && (
        <p id={`${id}-wrong`} className="jp-DriveSync-trouble" role="alert">
          {said}
        </p>
      )}
    </div>
  );
}

function credentialsWords(kind: IStorageValues['credentials'], trans: TranslationBundle): string {
  switch (kind) {
    case 'auto':
      return trans.__('Yours, that of your backup');
    case 'own':
      return trans.__('Yours, given on this computer');
    case 'broker':
      return trans.__('Yours, kept by the hub');
    case 'service_account':
      return trans.__("A service account's");
    case 'client':
      return trans.__('Yours, by a Google client of your own');
    case 'adc':
      return trans.__("This machine's (Application Default Credentials)");
    case 'hub':
      return trans.__("Nobody's: a course that the hub hands on");
  }
}

function credentialsHint(values: IStorageValues, trans: TranslationBundle): string {
  switch (values.credentials) {
    case 'auto':
    case 'own':
    case 'broker':
      return trans.__('It sees only what this program made on your Drive.');
    case 'service_account':
      return trans.__('It sees what is shared with it, or with everybody who has the link.');
    case 'client':
      return trans.__(
        'It sees what you allow on a page of Google, to which you are sent after it is saved.'
      );
    case 'adc':
      return trans.__('It sees what they cover.');
    case 'hub':
      return trans.__('It needs no Google account; choose the course above.');
  }
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
}

/** Whether the permission that a storage has is the one that these values need. */
function isPermitted(values: IStorageValues, storage: IStorage | undefined): boolean {
  return (
    storage?.connected === true &&
    storage.credentials === values.credentials &&
    storage.client_file === values.client_file &&
    storage.direction === values.direction &&
    (values.scope === '' || storage.scope === values.scope)
  );
}

/** The page. */
export function StoragePage({
  desk,
  turn,
  close,
  storage
}: IPageProps & { storage?: IStorage }): React.JSX.Element {
  const { trans, model } = desk;
  const [values, setValues] = useState<IStorageValues>(storage ? valuesOf(storage) : NEW);
  const [rules, setRules] = useState({
    includes: values.includes.join('\n'),
    excludes: values.excludes.join('\n')
  });
  const [wrong, setWrong] = useState<IWrong | null>(null);
  const [busy, setBusy] = useState<'' | 'save' | 'check'>('');
  const [found, setFound] = useState('');
  /** What was tried did not work, but may be kept all the same. */
  const [unsure, setUnsure] = useState(false);
  const [taken, setTaken] = useState<string[]>([]);
  /** What the hub hands on; empty where there is no hub, or it does not say. */
  const [courses, setCourses] = useState<readonly string[]>([]);
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    void model.client.courses().then(
      found => setCourses(found.courses),
      () => undefined // They are not offered, then.
    );
    if (!storage) {
      void model.client.storages().then(
        ({ storages }) => setTaken(storages.map(each => each.name.toLowerCase())),
        () => undefined // The server refuses a name that is taken.
      );
    }
  }, []);
  useEffect(() => {
    // To what is wrong: its sentence is read with it.
    const at = wrong?.field ? `[data-field=${wrong.field}]` : '[data-wrong]';
    if (wrong) {
      form.current?.querySelector<HTMLElement>(at)?.focus();
    }
  }, [wrong]);

  const set = (change: Partial<IStorageValues>): void => {
    setValues(before => ({ ...before, ...change }));
    // What was wrong is being mended; the next try says whether it is.
    setWrong(before => (before && before.field in change ? null : before));
    setFound('');
    setUnsure(false);
  };
  const choose = (credentials: IStorageValues['credentials']): void => {
    const toHub = credentials === 'hub';
    set({
      credentials,
      scope: '',
      // A course is only brought, and its name is no folder of Drive.
      ...(toHub ? { direction: 'import', drive: courses[0] ?? '' } : {}),
      ...(!toHub && values.credentials === 'hub' ? { drive: '' } : {})
    });
  };
  const all = (): IStorageValues =>
    tidied({ ...values, includes: lines(rules.includes), excludes: lines(rules.excludes) });
  const tried = async (kind: 'save' | 'check', work: () => Promise<unknown>): Promise<void> => {
    const seen = check(all(), taken, trans);
    setWrong(seen);
    setFound('');
    if (seen) {
      return;
    }
    setBusy(kind);
    try {
      await work();
    } catch (problem) {
      const field = problem instanceof Refused ? fieldOf(problem.problem, all()) : '';
      const { credentials } = all();
      setWrong({
        field,
        words: desk.whyNot(problem, said => storageProblem(said, credentials, Date.now(), trans))
      });
      setUnsure(
        problem instanceof Refused &&
          problem.problem.code !== 'storage.invalid' &&
          !problem.problem.code.startsWith('request.')
      );
    }
    setBusy('');
  };
  const look = (): Promise<void> =>
    tried('check', async () => {
      const { account, folder, sample } = await model.client.validateStorage(all());
      setFound(foundWords(account, folder?.name ?? '', sample, trans));
    });
  // A client of one's own has no permission before it is saved, so there is nothing to try yet.
  const blind = values.credentials === 'client' && !isPermitted(all(), storage);
  const save = (checked: boolean): Promise<void> =>
    tried('save', async () => {
      const now = all();
      const kept = await (storage
        ? model.client.changeStorage(now, checked)
        : model.client.makeStorage(now, checked));
      model.touchStorages();
      if (blind) {
        turn({ name: 'permit', storage: kept });
      } else {
        close();
      }
    });

  const text = (
    field: 'name' | 'local' | 'drive' | 'key_file' | 'client_file' | 'subject',
    label: string,
    hint?: string,
    fixed = false
  ): React.JSX.Element => (
    <Row field={field} label={label} hint={hint} wrong={wrong}>
      {given => (
        <input
          {...given}
          type="text"
          spellCheck={false}
          autoComplete="off"
          value={values[field]}
          readOnly={fixed}
          data-autofocus={field === (storage ? 'drive' : 'name') ? '' : undefined}
          onChange={event => set({ [field]: event.currentTarget.value })}
        />
      )}
    </Row>
  );
  const kinds: IStorageValues['credentials'][] = ['auto', 'service_account', 'client', 'adc'];
  if (courses.length > 0) {
    kinds.push('hub');
  }
  const ofHub = values.credentials === 'hub';
  // One that is handed on no longer stays what it is.
  const offered = courses.includes(values.drive) ? courses : [values.drive, ...courses];
  if (!kinds.includes(values.credentials)) {
    kinds.push(values.credentials);
  }
  const scopes: IStorageValues['scope'][] =
    values.direction === 'import'
      ? ['', 'drive.readonly', 'drive.file', 'drive']
      : ['', 'drive.file', 'drive'];
  return (
    <form
      ref={form}
      className="jp-DriveSync-body jp-DriveSync-form"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        void save(!blind);
      }}
    >
      {storage?.by_admin === true && (
        <p className="jp-DriveSync-form-hint">
          {trans.__('Set by your admin. What you save here counts instead, until you remove it.')}
        </p>
      )}
      {wrong?.field === '' && (
        <p className="jp-DriveSync-trouble" role="alert" tabIndex={-1} data-wrong="">
          {wrong.words}
        </p>
      )}
      {text('name', trans.__('Name'), undefined, storage !== undefined)}
      <div role="radiogroup" aria-label={trans.__('Direction')} className="jp-DriveSync-form-row">
        {(['import', 'export'] as const).map(direction => (
          <label key={direction} className="jp-DriveSync-check">
            <input
              type="radio"
              name="direction"
              data-field={direction === values.direction ? 'direction' : undefined}
              checked={values.direction === direction}
              disabled={ofHub && direction === 'export'}
              onChange={() => set({ direction, scope: '' })}
            />
            {direction === 'import'
              ? trans.__('Bring from Drive to here')
              : trans.__('Copy from here to Drive')}
          </label>
        ))}
        {wrong?.field === 'direction' && (
          <p className="jp-DriveSync-trouble" role="alert">
            {wrong.words}
          </p>
        )}
      </div>
      {ofHub && courses.length > 0 ? (
        <Row field="drive" label={trans.__('Course')} wrong={wrong}>
          {given => (
            <select
              {...given}
              value={values.drive}
              onChange={event => set({ drive: event.currentTarget.value })}
            >
              {offered.map(course => (
                <option key={course} value={course}>
                  {course}
                </option>
              ))}
            </select>
          )}
        </Row>
      ) : (
        text(
          'drive',
          trans.__('Folder on Drive'),
          values.direction === 'import'
            ? trans.__('Its address as the browser shows it, its id, or its path from My Drive on.')
            : trans.__('Its address, its id, or its path; a path that is not there is made.')
        )
      )}
      {text(
        'local',
        trans.__('Folder here'),
        values.direction === 'import'
          ? trans.__('In your home, such as "course". What you edit there is never replaced.')
          : trans.__('In your home, such as "results".')
      )}
      <Row
        field="credentials"
        label={trans.__('Whose permission')}
        hint={credentialsHint(values, trans)}
        wrong={wrong}
      >
        {given => (
          <select
            {...given}
            value={values.credentials}
            onChange={event => choose(event.currentTarget.value as IStorageValues['credentials'])}
          >
            {kinds.map(kind => (
              <option key={kind} value={kind}>
                {credentialsWords(kind, trans)}
              </option>
            ))}
          </select>
        )}
      </Row>
      {values.credentials === 'service_account' &&
        text(
          'key_file',
          trans.__('Its key'),
          trans.__('A file in your home, or an https address. It stays where it is.')
        )}
      {values.credentials === 'client' &&
        text(
          'client_file',
          trans.__('Client file'),
          trans.__('A file in your home, such as client_secrets.json.')
        )}
      {(values.credentials === 'service_account' || values.credentials === 'adc') &&
        text(
          'subject',
          trans.__('Acts for'),
          trans.__(
            'Address of a person of your organisation, where that is allowed. Usually empty.'
          )
        )}
      {isWide(values) && (
        <Row field="scope" label={trans.__('What it may see of Drive')} wrong={wrong}>
          {given => (
            <select
              {...given}
              value={values.scope}
              onChange={event =>
                set({ scope: event.currentTarget.value as IStorageValues['scope'] })
              }
            >
              {scopes.map(scope => (
                <option key={scope} value={scope}>
                  {scopeWords(scope, trans)}
                </option>
              ))}
            </select>
          )}
        </Row>
      )}
      <Row
        field="schedule"
        label={trans.__('By itself')}
        hint={trans.__('While this server runs, in the time zone of your backup.')}
        wrong={wrong}
      >
        {given => (
          <When
            id={given.id}
            describedBy={given['aria-describedby']}
            invalid={given['aria-invalid']}
            cron={values.schedule}
            take={schedule => set({ schedule })}
            trans={trans}
          />
        )}
      </Row>
      {(['excludes', 'includes'] as const).map(field => (
        <Row
          key={field}
          field={field}
          label={field === 'excludes' ? trans.__('Left out') : trans.__('Only these')}
          hint={
            field === 'excludes'
              ? trans.__('One folder or file on each line, such as "solutions/" or "*.bin".')
              : trans.__('Empty: everything.')
          }
          wrong={wrong}
        >
          {given => (
            <textarea
              {...given}
              rows={2}
              spellCheck={false}
              value={rules[field]}
              onChange={event => {
                const text = event.currentTarget.value;
                setRules(before => ({ ...before, [field]: text }));
                set({});
              }}
            />
          )}
        </Row>
      ))}
      <p className="jp-DriveSync-form-found" role="status">
        {busy !== '' && !blind ? trans.__('It is being tried…') : found}
      </p>
      <footer className="jp-DriveSync-actions">
        {!blind && (
          <Button disabled={busy !== ''} onClick={() => void look()}>
            {trans.__('Check')}
          </Button>
        )}
        {unsure && (
          <Button kind="link" disabled={busy !== ''} onClick={() => void save(false)}>
            {trans.__('Save all the same')}
          </Button>
        )}
        <span className="jp-DriveSync-space" />
        <Button onClick={close}>{trans.__('Cancel')}</Button>
        <button type="submit" className="jp-DriveSync-button jp-mod-primary" disabled={busy !== ''}>
          {blind ? trans.__('Save and authorize…') : trans.__('Save')}
        </button>
      </footer>
    </form>
  );
}

/** A storage is forgotten, once the person has read what stays. */
export function ForgetPage({
  desk,
  turn,
  close,
  storage
}: IPageProps & { storage: IStorage }): React.JSX.Element {
  const { trans, model } = desk;
  const [busy, setBusy] = useState(false);
  const forget = async (): Promise<void> => {
    setBusy(true);
    const done = await desk.attempt(() => model.client.removeStorage(storage.name));
    setBusy(false);
    if (done) {
      model.touchStorages();
      turn({ name: 'details' });
    }
  };
  return (
    <div className="jp-DriveSync-body">
      <p>
        {storage.by_admin
          ? trans.__('What your admin has set for %1 counts again.', storage.name)
          : trans.__(
              '%1 is forgotten, with its history and a permission of its own. Files stay, here and on Drive.',
              storage.name
            )}
      </p>
      <footer className="jp-DriveSync-actions">
        <span className="jp-DriveSync-space" />
        <Button autoFocus onClick={close}>
          {trans.__('Cancel')}
        </Button>
        <Button kind="warn" disabled={busy} onClick={() => void forget()}>
          {storage.by_admin ? trans.__('Take back my values') : trans.__('Remove')}
        </Button>
      </footer>
    </div>
  );
}
