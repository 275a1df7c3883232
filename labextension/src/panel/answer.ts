/** Following the model and the server from what is drawn. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Desk } from '../desk';

/** What the server answered; null until it has, `lost` where it has not. */
export interface IAnswer<T> {
  value: T | null;
  lost: boolean;
  /** Asks once more. */
  again: () => void;
}

/** Asks the server when `key` changes; what it said before stays until the new answer is there. */
export function useAnswer<T>(ask: () => Promise<T>, key: string): IAnswer<T> {
  const [value, setValue] = useState<T | null>(null);
  const [lost, setLost] = useState(false);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let stale = false;
    ask().then(
      answer => {
        if (!stale) {
          setValue(answer);
          setLost(false);
        }
      },
      () => {
        if (!stale) {
          setLost(true);
        }
      }
    );
    return () => {
      stale = true;
    };
  }, [key, turn]);
  return { value, lost, again: useCallback(() => setTurn(old => old + 1), []) };
}

/**
 * Draws anew when what `key` says of the model changes: a run tells of itself four times a second,
 * and most of the panel does not depend on how far it is.
 */
export function useChanges(desk: Desk, key: () => string): void {
  const [, draw] = useState('');
  const latest = useRef(key);
  latest.current = key;
  useEffect(() => {
    const look = (): void => draw(latest.current());
    desk.model.changed.connect(look);
    look();
    return () => {
      desk.model.changed.disconnect(look);
    };
  }, [desk]);
}
