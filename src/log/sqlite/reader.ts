/**
 * Reads in bounded synchronous steps. Each step runs a statement to its end or leaves it, so that nothing is open over an await
 * (one open iterator would keep the write-ahead log from being checkpointed), and the event loop gets its turn between steps.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { StoredEvent } from "../../event/event.ts";
import type { ReadAllOptions, ReadSteps, ReadStreamOptions, StreamRead, StreamWanted } from "../event-log.ts";
import { refuseDamaged } from "../refuse-damaged.ts";
import type { Connection } from "./connection.ts";
import { findByIds } from "./find-by-ids.ts";
import type { SqliteLogLimits } from "./limits.ts";
import { around } from "./page-lost.ts";
import { readStreams } from "./read-streams.ts";
import { makeScan, type ScanStep } from "./scan.ts";
import { makeStep } from "./step.ts";
import { makeTake } from "./take.ts";

export interface Reader {
  readonly scan: ScanStep;
  readAll(options: ReadAllOptions): AsyncGenerator<readonly StoredEvent[], void>;
  readStream(stream: string, options: ReadStreamOptions): AsyncGenerator<readonly StoredEvent[], void>;
  findByIds(tenant: string, ids: readonly string[], enoughBytes?: number): Promise<readonly StoredEvent[]>;
  readStreams(wanted: readonly StreamWanted[], limit: number): Promise<readonly StreamRead[]>;
}

export function makeReader(connection: Connection, limits: SqliteLogLimits): Reader {
  const step = makeStep(connection);
  const inSteps = (limits: Pick<SqliteLogLimits, "batchEvents" | "batchBytes" | "scanPositions">) => {
    const take = makeTake(limits);
    return { take, scan: makeScan(step, take, limits), batchEvents: limits.batchEvents };
  };
  const usual = inSteps(limits);
  const small = inSteps(smallSteps(limits));
  const reads = (steps: ReadSteps | undefined) => (steps === "small" ? small : usual);

  return {
    scan: usual.scan,

    async *readAll({ after, direction = "forward", filter, limit = Number.MAX_SAFE_INTEGER, steps, signal }) {
      signal?.throwIfAborted();
      const { scan } = reads(steps);
      // The read ends where the log ended when it began, so that a consumer that appends for each event comes to an end.
      const last = step((db) => db.end.lastPosition);
      let from = after === undefined ? (direction === "forward" ? 0 : last + 1) : Math.min(Number(after), last + 1);
      let left = limit;
      while (left > 0 && (direction === "forward" ? from < last : from > 1)) {
        const { events, reached } = await scan(filter, direction, from, left);
        const wanted = direction === "forward" ? upTo(events, last) : events;
        if (wanted.length > 0) yield wanted;
        left -= wanted.length;
        from = reached;
        await nextTurn();
        signal?.throwIfAborted();
      }
    },

    async *readStream(stream, { direction = "forward", from, limit = Number.MAX_SAFE_INTEGER, damaged, steps, signal }) {
      signal?.throwIfAborted();
      const { take, batchEvents } = reads(steps);
      const forward = direction === "forward";
      const at = await around(() => step((db) => db.streamHead(stream)));
      const { id, head } = at;
      let next = forward ? Math.max(from ?? 0, 0) : Math.min(from ?? head, head);
      let left = limit;
      while (left > 0 && id !== 0 && next >= 0 && next <= head) {
        const wanted = Math.min(left, batchEvents);
        const { events, cut } = await around(() =>
          step((db) => take(db, wanted, (rows, last) => db.streamPage(at, direction, last === null ? next : last[2] + (forward ? 1 : -1), rows))),
        );
        if (damaged !== "given") refuseDamaged(stream, events);
        if (events.length > 0) yield events;
        if (!cut) return;
        left -= events.length;
        next = events.at(-1)!.revision + (forward ? 1 : -1);
        await nextTurn();
        signal?.throwIfAborted();
      }
    },

    findByIds: (tenant, ids, enoughBytes = Number.POSITIVE_INFINITY) => around(() => findByIds(step, tenant, ids, enoughBytes)),
    readStreams: (wanted, limit) => around(() => readStreams(step, wanted, limit, limits)),
  };
}

function smallSteps({ batchEvents, batchBytes, scanPositions, smallStep }: SqliteLogLimits) {
  const part = (whole: number) => Math.max(1, Math.floor(whole * smallStep));
  return { batchEvents: part(batchEvents), batchBytes: part(batchBytes), scanPositions: part(scanPositions) };
}

function upTo(events: readonly StoredEvent[], last: number): readonly StoredEvent[] {
  const beyond = events.findIndex((event) => event.position > last);
  return beyond === -1 ? events : events.slice(0, beyond);
}
