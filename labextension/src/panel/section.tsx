/**
 * A part of the panel that opens and closes; what is closed is not drawn, and asks nothing.
 *
 * Its head has the classes of Jupyter's own, so that it looks as they do in the Jupyter that runs.
 */
import { caretDownIcon } from '@jupyterlab/ui-components';
import React, { useId, useState } from 'react';
import { count } from '../format';

/** Which parts are open, for as long as the page lives: the panel may be drawn anew. */
const remembered = new Map<string, boolean>();

/** Props of {@link Section}. */
export interface ISectionProps {
  /** Names it for good. */
  name: string;
  title: string;
  /** A number beside the title; 0 or nothing shows none. */
  chip?: number;
  /** Whether it is open at first. */
  open?: boolean;
  /** Opens it when this changes to another number than 0. */
  reveal?: number;
  children: React.ReactNode;
}

/** The part. */
export function Section(props: ISectionProps): React.JSX.Element {
  const { name, chip = 0, reveal = 0 } = props;
  const [open, setOpen] = useState(remembered.get(name) ?? props.open ?? false);
  const [revealed, setRevealed] = useState(0);
  const body = useId();
  if (reveal !== revealed) {
    setRevealed(reveal);
    setOpen(true);
  }
  const turn = (): void => {
    remembered.set(name, !open);
    setOpen(!open);
  };
  return (
    <section className="jp-DriveSync-section" data-name={name}>
      <h3>
        <button
          type="button"
          className={`jp-AccordionPanel-title jp-DriveSync-section-head${open ? ' lm-mod-expanded' : ''}`}
          aria-expanded={open}
          aria-controls={open ? body : undefined}
          onClick={turn}
        >
          <span className="lm-AccordionPanel-titleCollapser" aria-hidden="true">
            <caretDownIcon.react tag={null} />
          </span>
          <span className="lm-AccordionPanel-titleLabel jp-DriveSync-section-title">
            {props.title}
          </span>
          {chip > 0 && <span className="jp-DriveSync-count">{count(chip)}</span>}
        </button>
      </h3>
      {open && (
        <div id={body} className="jp-DriveSync-section-body">
          {props.children}
        </div>
      )}
    </section>
  );
}
