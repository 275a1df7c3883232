/** What we cost the page before it stands, as entries of the browser's own timeline. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

/** What the names of our entries begin with. */
const OURS = 'drive-sync:';

// This module is the first of ours that runs.
const BEGUN = performance.now();

/** Notes that all of our modules that the page loads first have run. */
export function loaded(): void {
  performance.measure(`${OURS}load`, { start: BEGUN, end: performance.now() });
}

/** Notes how long a plugin takes to be activated, and when the page stands. */
export function spanned<T>(plugin: JupyterFrontEndPlugin<T>): JupyterFrontEndPlugin<T> {
  const { activate, id } = plugin;
  return {
    ...plugin,
    activate: (app: JupyterFrontEnd, ...rest: unknown[]) => {
      const start = performance.now();
      const made = activate(app, ...rest);
      performance.measure(`${OURS}activate ${id}`, { start, end: performance.now() });
      return made;
    }
  };
}

/** Notes that the page stands. */
export function stands(): void {
  performance.mark(`${OURS}restored`);
}
