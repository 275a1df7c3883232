/** The panel: how things stand, what was done, what comes next, and what a person can do. */
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useState } from 'react';
import type { IRun } from '../contract';
import type { Desk, Page } from '../desk';
import { atTime, counter } from '../view';
import { Account } from './account';
import { useAnswer, useChanges } from './answer';
import { History } from './history';
import { Next } from './next';
import { RunFiles } from './runs';
import { Section } from './section';
import { Holds, State } from './state';

/** What the panel was asked to show; `turn` counts how often. */
interface IAsked {
  files: string;
  turn: number;
}

/** Rows of the last sync that have room. */
const ROWS = 10;

/** What the panel depends on, but for how far a sync is. */
function standing({ model }: Desk): string {
  const { status } = model;
  return JSON.stringify([
    model.reach,
    model.syncing,
    status && { ...status, seq: 0, time: 0, progress: null, meta: null, consent: null },
    new Date().toDateString()
  ]);
}

function LastRun(props: {
  desk: Desk;
  run: IRun | null;
  children: React.ReactNode;
}): React.JSX.Element {
  const { desk, run } = props;
  const { trans, model } = desk;
  if (run !== null) {
    return <>{props.children}</>;
  }
  const next = model.status?.next_run;
  return (
    <p className="jp-DriveSync-empty">
      {model.syncing
        ? trans.__('This is the first one.')
        : next
          ? trans.__('No syncs yet. The first begins %1.', atTime(next, Date.now(), trans))
          : trans.__('No syncs yet.')}
    </p>
  );
}

/** What stands below the state; what is closed asks nothing. */
function Sections({ desk, asked }: { desk: Desk; asked: IAsked }): React.JSX.Element {
  const { trans, model } = desk;
  const { status } = model;
  const connected = status?.connected ?? false;
  // The history changes when a run ends; while one runs its own row says nothing yet.
  const over = `${status?.job ?? ''} ${status?.status ?? ''}`;
  const history = useAnswer(() => model.client.history(5), over).value;
  const settings = useAnswer(
    () => model.client.getSettings(),
    `${status?.schedule ?? ''} ${status?.time_zone ?? ''}`
  ).value;
  const run = history?.runs.find(each => each.outcome !== 'running') ?? null;
  return (
    <>
      {(connected || run !== null) && (
        <Section
          name="last"
          title={trans.__('Last sync')}
          chip={run ? counter(run.counters, 'failed') : 0}
          open
          reveal={asked.turn}
        >
          {history === null ? (
            <div className="jp-DriveSync-skeleton" />
          ) : (
            <LastRun desk={desk} run={run}>
              {run && (
                <RunFiles
                  key={`${run.id} ${asked.turn}`}
                  desk={desk}
                  run={run}
                  settings={settings}
                  filter={asked.files}
                  rows={ROWS}
                />
              )}
            </LastRun>
          )}
        </Section>
      )}
      {connected && (
        <Section name="next" title={trans.__('Next sync')} open>
          <Next desk={desk} settings={settings} />
        </Section>
      )}
      {run !== null && (
        <Section name="history" title={trans.__('History')}>
          <History desk={desk} settings={settings} over={over} />
        </Section>
      )}
      {connected && (
        <Section name="account" title={trans.__('Your Drive')} open>
          <Account desk={desk} />
        </Section>
      )}
    </>
  );
}

function Content({ desk, asked }: { desk: Desk; asked: IAsked }): React.JSX.Element {
  useChanges(desk, () => standing(desk));
  const { trans, model } = desk;
  const [seen, setSeen] = useState(false);
  const known = model.status !== null;
  if (known && !seen) {
    setSeen(true);
  }
  // While the server is away the old numbers stay, and nothing can be pressed.
  const dim = model.reach === 'away';
  return (
    <>
      <State desk={desk} />
      {!dim && <Holds desk={desk} />}
      <fieldset
        className="jp-DriveSync-group"
        disabled={dim}
        title={dim ? trans.__('The server does not answer') : undefined}
      >
        {(known || seen) && <Sections desk={desk} asked={asked} />}
      </fieldset>
    </>
  );
}

/** What the sidebar shows once it is seen. */
export class PanelBody extends ReactWidget {
  constructor(private readonly _desk: Desk) {
    super();
    this.addClass('jp-DriveSync-panel');
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape' && this._opener?.isConnected) {
        event.preventDefault();
        this._opener.focus();
      }
    });
  }

  /** Shows what was asked for, and takes the focus; Escape gives it back. */
  turn(page: Extract<Page, { name: 'details' }>, opener: HTMLElement | null): void {
    this._opener = opener;
    if (page.files !== undefined) {
      this._asked = { files: page.files, turn: this._asked.turn + 1 };
      this.update();
    }
    // After it is drawn.
    window.requestAnimationFrame(() =>
      window.requestAnimationFrame(() =>
        this.node.querySelector<HTMLElement>('h2')?.focus({ preventScroll: true })
      )
    );
  }

  protected override render(): React.JSX.Element {
    return <Content desk={this._desk} asked={this._asked} />;
  }

  private _asked: IAsked = { files: '', turn: 0 };
  private _opener: HTMLElement | null = null;
}
