/** How fast a sync is: bytes a second over the last moments. Pure: the clock is handed in. */

/** Milliseconds over which the speed is reckoned. */
const WINDOW = 10_000;
/** Milliseconds of a sync before a speed is said: the first files tell nothing. */
const TRUSTED = 4_000;

/** Reckons the speed of one sync. */
export class Rate {
  /**
   * Takes note of how far a sync is.
   *
   * @param job another one begins anew.
   * @param bytes sent so far.
   * @param now milliseconds since the epoch.
   * @returns bytes a second; null while nobody can tell.
   */
  add(job: string, bytes: number, now: number): number | null {
    if (job !== this._job || bytes < (this._seen.at(-1)?.bytes ?? 0)) {
      this._job = job;
      this._seen = [];
    }
    this._seen.push({ now, bytes });
    // One from before the window stays, so that it is a whole window.
    while ((this._seen[1]?.now ?? Infinity) <= now - WINDOW) {
      this._seen.shift();
    }
    const first = this._seen[0] ?? { now, bytes };
    const milliseconds = now - first.now;
    const sent = bytes - first.bytes;
    return milliseconds < TRUSTED || sent <= 0 ? null : (sent / milliseconds) * 1000;
  }

  private _job = '';
  private _seen: { now: number; bytes: number }[] = [];
}
