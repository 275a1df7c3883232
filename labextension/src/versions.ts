/** What is done with a version: each step is a job of the server, and ends before the next. */
import type { IFileOutcome, IProblem, IRunning, IVersionJob } from './contract';
import type { DriveSyncModel } from './model';

/** Milliseconds between looks at a job; events tell sooner. */
export const LOOK = 1500;

/** A step did not do what it was for. */
export class Failed extends Error {
  constructor(readonly problem: IProblem) {
    super(problem.sentence);
    this.name = 'Failed';
  }
}

/** Waits for news of the model, or a while. */
async function news(model: DriveSyncModel): Promise<void> {
  await new Promise<void>(resolve => {
    const done = (): void => {
      window.clearTimeout(timer);
      model.changed.disconnect(done);
      resolve();
    };
    const timer = window.setTimeout(done, LOOK);
    model.changed.connect(done);
  });
}

/**
 * Waits for the end of a job that brings something back.
 *
 * @throws Failed, Refused, Unreachable
 */
export async function ended(model: DriveSyncModel, { job }: IRunning): Promise<IVersionJob> {
  for (;;) {
    const { last } = await model.client.lastVersionJob();
    if (last?.job === job && !last.running) {
      if (last.problem) {
        throw new Failed(last.problem);
      }
      return last;
    }
    await news(model);
  }
}

/** Syncs a file alone, and waits until no sync runs; its end is told by whoever asked for it. */
async function syncAlone(model: DriveSyncModel, path: string): Promise<void> {
  await model.client.sync([path]);
  await model.refresh();
  while (model.syncing) {
    await news(model);
  }
}

/**
 * Brings a version here, beside the file.
 *
 * @returns what became of it.
 */
export async function bringCopy(
  model: DriveSyncModel,
  path: string,
  revision: string
): Promise<IFileOutcome | null> {
  const done = await ended(model, await model.client.bringVersion(path, revision));
  return done.result?.files?.[0] ?? null;
}

/** Keeps a version for good. */
export async function keepForGood(
  model: DriveSyncModel,
  path: string,
  revision: string
): Promise<void> {
  await ended(model, await model.client.changeVersion(path, revision, 'keep'));
}

/**
 * Makes a version current, on Drive and here.
 *
 * What is current here goes up first, so that it is a version of its own; the server keeps it for
 * good; then the older one takes its place on Drive, and comes here. Wherever that ends early,
 * nothing is lost: each step leaves all versions on Drive.
 *
 * @returns what became of the file here.
 */
export async function putBack(
  model: DriveSyncModel,
  path: string,
  revision: string
): Promise<IFileOutcome | null> {
  await syncAlone(model, path);
  await ended(model, await model.client.changeVersion(path, revision, 'put_back'));
  const done = await ended(model, await model.client.bringVersion(path));
  // So that it is known to be the same here and there.
  await syncAlone(model, path);
  return done.result?.files?.[0] ?? null;
}
