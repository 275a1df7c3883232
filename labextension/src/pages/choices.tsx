/** The choices that a hold offers: buttons, and what each of them does. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { Choice, IHold } from '../contract';
import { count } from '../format';
import { Button } from '../parts';

/** The words on the button of a choice: a verb and a place. */
export function choiceWords(
  choice: Choice,
  kind: string,
  number: number,
  trans: TranslationBundle
): string {
  switch (choice) {
    case 'restore':
      return trans.__('Bring back to my home');
    case 'keep':
      return kind === 'moved_out'
        ? trans.__('Leave them where they are')
        : trans.__('Keep on Drive only');
    case 'trash':
      return trans._n(
        "Move %2 file to Drive's trash",
        "Move %2 files to Drive's trash",
        number,
        count(number)
      );
    case 'take_over':
      return trans.__('Go on in this folder');
    case 'second_folder':
      return trans.__('Use a second folder');
    case 'start_afresh':
      return kind === 'moved_out'
        ? trans.__('Copy them to Drive again')
        : trans.__('Start afresh in a new folder');
    case 'untrash':
      return trans.__("Take it out of Drive's trash");
    case 'disconnect':
      return trans.__('Disconnect');
  }
}

/** What a choice leads to, in a sentence. */
export function consequence(
  choice: Choice,
  kind: string,
  folder: string,
  trans: TranslationBundle
): string {
  switch (choice) {
    case 'restore':
      return kind === 'other_home'
        ? trans.__(
            'Everything in %1 is copied here, over nothing of yours, and this home goes on with it; the other home no longer can.',
            folder
          )
        : trans.__('They are copied back from Drive.');
    case 'keep':
      return kind === 'moved_out'
        ? trans.__('They stay as they are, and are not copied again.')
        : trans.__('They stay on your Drive; your home stays as it is.');
    case 'trash':
      return trans.__('You can take them out of it again for 30 days.');
    case 'take_over':
      return trans.__('This home goes on with what is there; the other home no longer can.');
    case 'second_folder':
      return trans.__('This home gets a folder of its own beside it.');
    case 'start_afresh':
      return kind === 'moved_out'
        ? trans.__('A new copy of each is made in %1.', folder)
        : trans.__('Everything is copied once more; what is on Drive now stays there.');
    case 'untrash':
      return trans.__('It comes back with all that is in it, and syncing goes on.');
    case 'disconnect':
      return trans.__('Nothing is deleted, here or on Drive; our access here ends.');
  }
}

/** Choices that do not take anything away come first. */
const ORDER: readonly Choice[] = [
  'restore',
  'untrash',
  'second_folder',
  'keep',
  'start_afresh',
  'take_over',
  'disconnect',
  'trash'
];

/** The buttons; the first is the safe one. */
export function Choices({
  hold,
  number,
  folder,
  disabled,
  answer,
  trans
}: {
  hold: Pick<IHold, 'kind' | 'choices'>;
  /** How many files the answer is about. */
  number: number;
  /** On Drive. */
  folder: string;
  disabled: boolean;
  answer: (choice: Choice) => void;
  trans: TranslationBundle;
}): React.JSX.Element {
  const choices = ORDER.filter(choice => hold.choices.includes(choice));
  return (
    <ul className="jp-DriveSync-choices">
      {choices.map((choice, at) => (
        <li key={choice}>
          <Button
            kind={at === 0 ? 'primary' : choice === 'trash' ? 'warn' : 'plain'}
            autoFocus={at === 0}
            disabled={disabled}
            onClick={() => answer(choice)}
          >
            {choiceWords(choice, hold.kind, number, trans)}
          </Button>
          <span>{consequence(choice, hold.kind, folder, trans)}</span>
        </li>
      ))}
    </ul>
  );
}
