/** Which runner brings a replay's items to their ends. */
import type { Catalog } from "../catalog/catalog.ts";
import type { LastEnds } from "../delivery/partition/ends.ts";
import type { Pace } from "../delivery/partition/pace.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { Clock } from "../event/clock.ts";
import type { StoredEvent } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import { readEvent } from "../log/read-event.ts";
import type { Ends } from "../records/attempt.ts";
import type { OwnOutcome, ReplayRequested } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Amendments } from "./amendments.ts";
import { type AmongInstancesNeeds, amongInstances } from "./among-instances.ts";
import { makeNextTurn } from "./asked-turns.ts";
import { makeDryRunner } from "./dry-runner.ts";
import { makeLetterRunner } from "./letter-runner.ts";
import { asDelivered } from "./lift.ts";
import { OwnRunner } from "./own-runner.ts";
import type { ReplayRecord } from "./replay-stream.ts";
import type { Runner } from "./runner.ts";

export interface RunnerNeeds {
  readonly log: EventLog;
  readonly delivery: RunningHandlers;
  readonly amendments: Amendments;
  readonly catalog: Catalog;
  readonly ends: LastEnds;
  readonly views: AmongInstancesNeeds["views"];
  readonly clock: Clock;
}

export interface RunnerChoice {
  readonly request: ReplayRequested;
  /** Handlers of the items that run here. */
  readonly handlers: readonly string[];
  readonly record: ReplayRecord;
  /** Own deliveries that were called when the process ended, and have no outcome. Null for a replay that begins now. */
  readonly suspects: ReadonlyMap<number, Ends> | null;
  readonly pace: Pace;
  /** Aborted when the service stops, or the job is over here. */
  readonly signal: AbortSignal;
}

export function chooseRunner(needs: RunnerNeeds, { request, handlers, record, suspects, pace, signal }: RunnerChoice): Runner {
  const { log, delivery, amendments, catalog, ends } = needs;
  const eventOf = async ({ lane, revision }: ReplayItem): Promise<StoredEvent | undefined> => (await readEvent(log, lane, revision)) ?? undefined;
  const isElsewhere = ({ handler, lane }: ReplayItem) => delivery.find(handler)?.isElsewhere(lane) ?? false;
  const among = (runner: Runner): Runner => (delivery.cluster === null ? runner : amongInstances(runner, { ...needs, request, pace, signal, isElsewhere }));
  const nextTurn = makeNextTurn({ pace, clock: needs.clock, signal });
  const storeOutcomes = (outcomes: readonly OwnOutcome[]) => record.persist("replay.outcomes", { outcomes });

  if (request.mode === "dry_run") {
    const areLetters = request.kind !== "history" && !request.targetHandler; // other handlers see the original data
    const amended = async (item: ReplayItem) => {
      const event = await eventOf(item);
      return areLetters && event !== undefined ? asDelivered(delivery, item, event) : event;
    };
    return among(makeDryRunner({ catalog, delivery, request, readEvent: amended, storeOutcomes, amended: areLetters }));
  }
  if (!request.own) return among(makeLetterRunner({ delivery, amendments, request, handlers, nextTurn, signal }));
  const runner = new OwnRunner({
    ...{ delivery, request, storeOutcomes, nextTurn },
    readEvent: eventOf,
    storeStarted: (place, started) => record.persist("replay.started", { items: [place], life: ends.life, ...started }),
    suspects: suspects ?? new Map(),
    resumed: suspects !== null,
  });
  return among(runner);
}
