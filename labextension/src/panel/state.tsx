/** How things stand: the line, what it means, how far a sync is, and the one action. */
import { UseSignal } from '@jupyterlab/ui-components';
import React, { useRef } from 'react';
import type { Desk } from '../desk';
import { size } from '../format';
import { holdWords } from '../holds';
import { StateIcon } from '../icons';
import { Banner, Bar, Button } from '../parts';
import type { IView } from '../view';
import { Rate } from './rate';

function Progress(props: { desk: Desk; view: IView; rate: Rate }): React.JSX.Element {
  const { desk, view, rate } = props;
  const { trans } = desk;
  const { status } = desk.model;
  const progress = status?.progress ?? null;
  const sending = progress !== null && progress.phase === 'copying' && progress.total > 0;
  const speed = sending ? rate.add(status?.job ?? '', progress.bytes_done, desk.model.heard) : null;
  return (
    <>
      <Bar share={view.share} text={view.headline} label={trans.__('Sync to Google Drive')} />
      <p className="jp-DriveSync-secondary jp-DriveSync-speed">
        {speed !== null && `${trans.__('%1/s', size(speed))} · `}
        {trans.__('You can go on working or close this tab.')}
      </p>
    </>
  );
}

/** The one action of a state. */
function StateButton({ desk, view }: { desk: Desk; view: IView }): React.JSX.Element | null {
  if (view.action === null || view.action === 'review') {
    return null; // What waits for an answer has a banner of its own.
  }
  const sync = view.action === 'files' && view.shape !== 'offline';
  const calm = view.action === 'cancel' || view.action === 'open_drive';
  return (
    <div className="jp-DriveSync-actions">
      {sync ? (
        <Button kind="primary" onClick={() => void desk.sync()}>
          {desk.trans.__('Sync now')}
        </Button>
      ) : (
        <Button kind={calm ? 'plain' : 'primary'} onClick={() => void desk.act(view.action, view)}>
          {view.button}
        </Button>
      )}
      {view.action === 'copy_admin' && (
        <span className="jp-DriveSync-note">
          {desk.trans.__('Send it to whoever runs this server; you need do nothing else.')}
        </span>
      )}
    </div>
  );
}

/** The head of the panel. */
export function State({ desk }: { desk: Desk }): React.JSX.Element {
  const rate = useRef(new Rate());
  return (
    <UseSignal signal={desk.model.changed}>
      {() => {
        const view = desk.view();
        const line = view.line.replace(/^[^:]+: /, '');
        return (
          <div className="jp-DriveSync-state" data-state={view.shape}>
            <div className="jp-DriveSync-state-line">
              <StateIcon shape={view.shape} share={view.share ?? 0} />
              <h2 tabIndex={-1}>{line.charAt(0).toLocaleUpperCase() + line.slice(1)}</h2>
            </div>
            {view.action !== 'review' && <p className="jp-DriveSync-headline">{view.headline}</p>}
            {view.shape === 'syncing' && <Progress desk={desk} view={view} rate={rate.current} />}
            <StateButton desk={desk} view={view} />
            {view.code !== '' && (
              <details className="jp-DriveSync-more">
                <summary>{desk.trans.__('Details')}</summary>
                <code>{view.code}</code>
              </details>
            )}
          </div>
        );
      }}
    </UseSignal>
  );
}

/** What waits for an answer. */
export function Holds({ desk }: { desk: Desk }): React.JSX.Element {
  const holds = desk.model.status?.holds ?? [];
  return (
    <>
      {holds.map((hold, index) => (
        <Banner
          key={hold.id}
          shape="needs_you"
          action={
            <Button
              kind={index === 0 ? 'primary' : 'plain'}
              onClick={() => desk.open({ name: 'review', hold: hold.id })}
            >
              {desk.trans.__('Review')}
            </Button>
          }
        >
          {holdWords(hold, Date.now(), desk.trans)}
        </Banner>
      ))}
    </>
  );
}
