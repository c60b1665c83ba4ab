import type { Catalog } from "../../catalog/catalog.ts";
import type { Position } from "../../event/event.ts";
import { oncePerTurn } from "../../event/once-per-turn.ts";
import type { ReadableApart } from "../../log/event-log.ts";
import type { Projector, ProjectorOptions } from "../projector.ts";
import type { ViewStore } from "../store.ts";
import { AskedBatches } from "./asked-batches.ts";
import { KeptThread, type StartThread } from "./kept-thread.ts";
import type { FromThread } from "./messages.ts";
import { Probes } from "./probes.ts";
import { makeSeenRows } from "./seen-rows.ts";
import { SharedPlaces } from "./shared-places.ts";

export interface ThreadProjectorOptions extends Pick<ProjectorOptions, "clock" | "from" | "onMoved" | "onTrouble"> {
  readonly store: Pick<ViewStore, "file" | "db" | "position">;
  readonly use: "live" | "rebuild";
  readonly log: ProjectorOptions["log"] & { readonly apart?: ReadableApart };
  /** Up to here entries of journals that were shortened may come. Only this thread reads them in their places. */
  readonly abridgedThrough: Position;
  readonly catalog: Catalog;
  /** Of those who wait for a position. */
  readonly waiting: Int32Array<SharedArrayBuffer>;
  onDamage(error: Error): void;
  readonly start?: StartThread;
}

/** A projector in a thread of its own, with a connection of its own. From now on `store.db` only reads. */
export function makeThreadProjector({ store, use, from, log, abridgedThrough, clock, catalog, start, waiting, ...told }: ThreadProjectorOptions): Projector {
  const shared = new SharedPlaces();
  shared.rows = from > store.position() ? from : store.position();
  const seen = makeSeenRows(store.db, shared, catalog, () => thread.tell({ is: "awaited" }));
  const asked = new AskedBatches(log, clock);
  const probes = new Probes();
  let trouble: string | null = null;
  let unfollow: (() => void) | null = null;

  // A rebuild ends after a while, so its thread only reads.
  const ownLog = () => (log.apart === undefined ? null : { place: log.apart.place, work: use === "live" ? log.apart.lend() : null });
  const begins = () => ({ file: store.file, use, from: shared.rows, shared: shared.buffer, waiting, log: ownLog(), abridgedThrough });
  const thread = new KeptThread({ begins, take, died, clock, start });

  function take(message: FromThread): void {
    if (message.is === "ask") void answer(message.after);
    else if (message.is === "damage") told.onDamage(new Error(message.why));
    else if (message.is === "trouble") inTrouble(new Error(message.why));
    else if (message.is === "moved") {
      shared.taken();
      seen.renew();
      thread.works();
      told.onMoved();
    } else probes.answered(message.why);
  }

  async function answer(after: Position): Promise<void> {
    try {
      const batch = await asked.next(after);
      if (batch !== null) thread.tell({ is: "batch", batch });
    } catch (error) {
      thread.tell({ is: "no_batch", why: error instanceof Error ? error.message : String(error) });
    }
  }

  function died(error: Error): void {
    asked.end();
    probes.fail(error);
    shared.inTrouble = true;
    inTrouble(error);
  }

  function inTrouble(error: Error): void {
    trouble = error.message;
    told.onTrouble(error);
  }

  return {
    position: seen.position,
    trouble: () => (shared.inTrouble ? trouble : null),
    async probe() {
      if (!thread.runs) return;
      thread.tell({ is: "probe" });
      await probes.next();
    },
    hurry: () => thread.tell({ is: "awaited" }),
    start() {
      if (log.apart !== undefined) unfollow ??= follow(log.apart, shared, () => thread.tell({ is: "grown" }));
      thread.start();
    },
    async stop() {
      unfollow?.();
      unfollow = null;
      asked.end();
      await thread.stop();
      probes.fail(new Error("The views were closed."));
      seen.renew();
    },
  };
}

/** Who else waits for a commit goes first: the other thread may take this one's core when it wakes. */
function follow({ end, onEnd }: ReadableApart, shared: SharedPlaces, wake: () => void): () => void {
  const wakeSoon = oncePerTurn(wake);
  const look = () => {
    if (shared.grewTo(end())) wakeSoon();
  };
  const unfollow = onEnd(look);
  look();
  return unfollow;
}
