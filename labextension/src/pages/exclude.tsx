/** What shall not be copied: the rules as lines. */
import React, { useEffect, useState } from 'react';
import type { ISettings } from '../contract';
import type { IPageProps } from '../dialog';
import { Button } from '../parts';

/** The page. */
export function Exclude({ desk, turn }: IPageProps): React.JSX.Element {
  const { trans, model } = desk;
  const [settings, setSettings] = useState<ISettings | null>(null);
  const [text, setText] = useState('');
  useEffect(() => {
    void desk
      .attempt(() => model.client.getSettings())
      .then(now => {
        setSettings(now);
        setText(now?.excludes.join('\n') ?? '');
      });
  }, []);
  const fixed = settings?.by_admin.includes('excludes') ?? false;
  const save = async (): Promise<void> => {
    const excludes = text
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '');
    const done = await desk.attempt(() => model.client.patchSettings({ excludes }));
    if (done) {
      turn({ name: 'details' });
    }
  };
  return (
    <div className="jp-DriveSync-body">
      <label className="jp-DriveSync-field jp-mod-stack">
        <span>
          {trans.__(
            'One folder or file on each line, such as "/data/" or "*.bin". What is already on Drive stays there.'
          )}
        </span>
        <textarea
          rows={8}
          spellCheck={false}
          value={text}
          disabled={settings === null || fixed}
          onChange={event => setText(event.currentTarget.value)}
        />
      </label>
      {fixed && <p>{trans.__('Your admin has set this; it cannot be changed here.')}</p>}
      <footer className="jp-DriveSync-actions">
        <span className="jp-DriveSync-space" />
        <Button onClick={() => turn({ name: 'details' })}>{trans.__('Back')}</Button>
        <Button kind="primary" disabled={settings === null || fixed} onClick={() => void save()}>
          {trans.__('Save')}
        </Button>
      </footer>
    </div>
  );
}
