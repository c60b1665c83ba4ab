import type { Position } from "../../event/event.ts";
import type { WholeLog } from "../../log/abridged/whole-journals.ts";
import type { Projector, ProjectorOptions } from "../projector.ts";
import { makeProjector } from "../projector.ts";
import { threadsExist } from "./row-threads.ts";
import { makeThreadProjector, type ThreadProjectorOptions } from "./thread-projector.ts";

export interface MovingProjectorOptions extends Omit<ThreadProjectorOptions, "store" | "log" | "abridgedThrough"> {
  readonly log: WholeLog;
  readonly store: ThreadProjectorOptions["store"] & ProjectorOptions["store"] & { probe(): void };
  /** Events after which a thread is worth its start (0.1 s of processor time, 10 MB). Undefined: never. */
  readonly apartAfter: number | undefined;
}

/** Begins in this thread. Where there is much to project, a second thread takes over, at once where so much of an embedded log waits, and this one serves. */
export function makeMovingProjector({ apartAfter, ...options }: MovingProjectorOptions): Projector {
  const { store, log, onTrouble } = options;
  let left = apartAfter !== undefined && threadsExist() ? apartAfter : Number.POSITIVE_INFINITY;
  let started = false;
  let moving: Promise<void> | null = null;
  const counted: ProjectorOptions["store"] = {
    ...store,
    fold(events, enough) {
      const folded = store.fold(events, enough);
      left -= folded;
      if (left <= 0) moving ??= move();
      return folded;
    },
  };
  const here = makeProjector({ ...options, store: counted });
  let at = here;

  async function move(): Promise<void> {
    await null; // whoever folds goes on first
    await here.stop();
    let abridgedThrough: Position;
    try {
      store.settle();
      abridgedThrough = await log.abridgedThrough();
    } catch (error) {
      onTrouble(error);
      left = apartAfter!;
      moving = null;
      if (started) here.start();
      return;
    }
    at = makeThreadProjector({ ...options, abridgedThrough, from: here.position() });
    if (started) at.start();
  }

  /** Positions of an embedded log count its events: a thousand of them take 7 ms of this thread, just when all handlers start. */
  const waiting = (): number => (log.apart === undefined ? 0 : Number(log.apart.end() - here.position()));

  return {
    position: () => at.position(),
    trouble: () => at.trouble(),
    probe: () => at.probe(),
    hurry: () => at.hurry(),
    start() {
      started = true;
      if (at !== here) at.start();
      else if (left <= waiting()) moving ??= move();
      else if (moving === null) here.start();
    },
    async stop() {
      started = false;
      await moving;
      await at.stop();
    },
  };
}
