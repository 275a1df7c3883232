/** What the next sync would do and cost; nothing is changed by looking. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';
import type { IPlan } from '../contract';
import type { IPageProps } from '../dialog';
import { count, duration, size } from '../format';
import { counter } from '../view';
import { Banner, Button, files as filesWords, Tail } from '../parts';

/** Steps that are a person's matter, in the order of a sync. */
const STEPS = ['create', 'replace', 'patch', 'trash', 'create_folder'] as const;

/** A kind of step, in a word or two. */
export function stepWords(step: string, trans: TranslationBundle): string {
  switch (step) {
    case 'create':
      return trans.__('copy');
    case 'replace':
      return trans.__('update');
    case 'patch':
      return trans.__('move or rename');
    case 'trash':
      return trans.__("move to Drive's trash");
    case 'create_folder':
      return trans.__('make a folder');
    case 'pin':
      return trans.__('keep a version');
    default:
      return step;
  }
}

function costWords(plan: IPlan, trans: TranslationBundle): string {
  const { files, size: bytes, requests, minutes } = plan.estimate;
  return trans.__(
    'It would send %1, %2, by %3: %4.',
    filesWords(files, trans),
    size(bytes),
    trans._n('%2 request to Google', '%2 requests to Google', requests, count(requests)),
    duration(minutes * 60, trans)
  );
}

/** The page. */
export function Plan({ desk, close, turn }: IPageProps): React.JSX.Element {
  const { trans, model } = desk;
  const [plan, setPlan] = useState<IPlan | null>(null);
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    let stale = false;
    model.client.plan().then(
      found => {
        if (!stale) {
          setPlan(found);
        }
      },
      (problem: unknown) => {
        if (!stale) {
          setTrouble(desk.whyNot(problem));
        }
      }
    );
    return () => {
      stale = true;
    };
  }, []);
  const steps = plan?.steps.filter(({ step }) => STEPS.some(name => name === step)) ?? [];
  return (
    <div className="jp-DriveSync-body">
      {trouble !== '' ? (
        <p className="jp-DriveSync-trouble" role="alert">
          {trouble}
        </p>
      ) : plan === null ? (
        <div className="jp-DriveSync-skeleton jp-mod-tall">
          {trans.__('Your files are compared with what is on Drive; nothing is changed…')}
        </div>
      ) : (
        <>
          {plan.holds.map(hold => (
            <Banner key={hold.kind} shape="needs_you">
              {trans._n(
                '%2 file would wait for your answer first.',
                '%2 files would wait for your answer first.',
                hold.count,
                count(hold.count)
              )}
            </Banner>
          ))}
          {steps.length === 0 && plan.steps_more === 0 ? (
            <p>{trans.__('Nothing: everything that is backed up is on Drive as it is here.')}</p>
          ) : (
            <>
              <p>{costWords(plan, trans)}</p>
              <p className="jp-DriveSync-numbers">
                {STEPS.filter(name => counter(plan.counts, name) > 0)
                  .map(name => `${stepWords(name, trans)}: ${count(counter(plan.counts, name))}`)
                  .join(' · ')}
              </p>
              <ul
                className="jp-DriveSync-folders"
                tabIndex={0}
                aria-label={trans.__('What would be done')}
              >
                {steps.map(step => (
                  <li key={`${step.step} ${step.path}`}>
                    <Tail path={step.path} />
                    <span className="jp-DriveSync-row-said">
                      {stepWords(step.step, trans)}
                      {step.size > 0 && step.step !== 'patch' && `, ${size(step.size)}`}
                    </span>
                  </li>
                ))}
                {plan.steps_more > 0 && (
                  <li>
                    {trans._n(
                      'and %2 more',
                      'and %2 more',
                      plan.steps_more,
                      count(plan.steps_more)
                    )}
                  </li>
                )}
              </ul>
            </>
          )}
        </>
      )}
      <footer className="jp-DriveSync-actions">
        <span className="jp-DriveSync-space" />
        <Button autoFocus onClick={close}>
          {trans.__('Close')}
        </Button>
        {model.status?.paused === false && (
          <Button
            kind="primary"
            disabled={plan === null || model.syncing}
            onClick={() => {
              void desk.sync();
              turn({ name: 'details' });
            }}
          >
            {trans.__('Sync now')}
          </Button>
        )}
      </footer>
    </div>
  );
}
