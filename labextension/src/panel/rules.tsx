/** What is left out, by rule, and what each saves. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { IRule, ISettings } from '../contract';
import type { Desk } from '../desk';
import { size } from '../format';
import { Button, files as filesWords } from '../parts';
import { plain } from '../plain';
import { patternWords, reasonWords, ruleParts, whereWords } from '../reasons';
import { useAnswer } from './answer';
import { takeRuleAway } from './runs';

/** A rule in words: the pattern itself, or what it is about. */
export function ruleWords(rule: IRule, trans: TranslationBundle): string {
  if (rule.reason === 'excluded') {
    return patternWords(ruleParts(rule.rule).pattern, trans);
  }
  switch (rule.reason) {
    case 'secret':
      return trans.__('keys and passwords');
    case 'too_large':
      return trans.__('files larger than your limit');
    case 'link':
      return trans.__('links');
    default:
      return reasonWords(
        { reason: rule.reason, code: `left_out.${rule.reason}`, params: {} },
        trans
      );
  }
}

/** Whose rule it is. */
export function ruleOwner(rule: IRule, trans: TranslationBundle): string {
  if (rule.reason === 'too_large') {
    return trans.__('a setting');
  }
  if (rule.reason !== 'excluded') {
    return trans.__('always left out');
  }
  const { where } = ruleParts(rule.rule);
  switch (where) {
    case 'excludes':
      return trans.__('your rule');
    case 'default':
      return trans.__('left out by default');
    default:
      return whereWords(where, trans);
  }
}

function own(rule: IRule, settings: ISettings | null): string {
  const { pattern, where } = ruleParts(rule.rule);
  const text = where === 'excludes' ? pattern : '';
  return settings?.excludes.some(each => each.trim() === text) ? text : '';
}

/** The rules. */
export function Rules(props: { desk: Desk; settings: ISettings | null }): React.JSX.Element {
  const { desk, settings } = props;
  const { trans, model } = desk;
  const key = JSON.stringify(settings?.excludes ?? []);
  const { value, lost, again } = useAnswer(() => model.client.rules(), key);
  const fixed = settings?.by_admin.includes('excludes') ?? true;
  const remove = (rule: string): void => {
    void takeRuleAway(desk, rule).then(again);
  };
  const edit = (
    <div className="jp-DriveSync-actions">
      <Button onClick={() => desk.open({ name: 'exclude' })}>{trans.__('Edit rules…')}</Button>
    </div>
  );
  if (value === null) {
    return (
      <>
        {lost ? (
          <p className="jp-DriveSync-empty">
            {trans.__('What is left out cannot be said right now.')}
          </p>
        ) : (
          <div className="jp-DriveSync-skeleton" />
        )}
        {edit}
      </>
    );
  }
  return (
    <>
      {value.rules.length === 0 && (
        <p className="jp-DriveSync-empty">{trans.__('Nothing is left out.')}</p>
      )}
      <ul className="jp-DriveSync-rules">
        {value.rules.map(rule => {
          const mine = own(rule, settings);
          const saved = rule.whole ? size(rule.bytes) : trans.__('more than %1', size(rule.bytes));
          return (
            <li key={`${rule.reason} ${rule.rule}`}>
              <strong>{ruleWords(rule, trans)}</strong>
              <span className="jp-DriveSync-rule-facts">
                {filesWords(rule.files, trans)}, {saved} · {ruleOwner(rule, trans)}
              </span>
              {mine !== '' && !fixed && (
                <Button kind="link" onClick={() => remove(mine)}>
                  {trans.__('Copy it after all')}
                </Button>
              )}
            </li>
          );
        })}
        {value.idle.map(rule => (
          <li key={`idle ${rule}`}>
            <strong>{plain(rule)}</strong>
            <span className="jp-DriveSync-rule-facts">
              {trans.__('leaves nothing out')} · {trans.__('your rule')}
            </span>
            {!fixed && (
              <Button kind="link" onClick={() => remove(rule.trim())}>
                {trans.__('Remove the rule')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {edit}
    </>
  );
}
