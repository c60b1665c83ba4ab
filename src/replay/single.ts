/** Delivers one dead letter again: to its own handler, or to another one while the dead letter stays. */
import type { FailureText } from "../catalog/catalog.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import type { Position } from "../event/event.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { DeadLetterDetail } from "../views/model/dead-letter.ts";
import type { Amendments } from "./amendments.ts";
import type { BegunReplay } from "./begun.ts";
import type { ChosenLetters } from "./chosen.ts";
import type { FindLetter } from "./find-letter.ts";
import type { Jobs } from "./jobs.ts";

export interface ChosenLetter extends ChosenLetters {
  readonly handler: string | undefined;
  /** The handler that gets the event in place of the dead letter's own. */
  readonly targetHandler: string | null;
}

export interface SingleEnd {
  readonly outcome: "replayed" | "dead_lettered";
  readonly error: FailureText | null;
  readonly position: Position;
}

export interface SingleReplay {
  readonly replayId: string;
  readonly letter: DeadLetterDetail;
  /** @throws NOT_DEAD_LETTERED when the dead letter was left alone. */
  readonly ended: Promise<SingleEnd>;
  /** Position of the replay's first events. */
  readonly position: Position;
}

/** @param id of the event or of the delivery. */
export type ReplayOne = (id: string, chosen: ChosenLetter) => Promise<SingleReplay>;

export interface SingleNeeds {
  readonly delivery: Pick<RunningHandlers, "find" | "must" | "mustOwn">;
  readonly amendments: Pick<Amendments, "mustDeliver">;
  readonly jobs: Jobs;
  readonly find: FindLetter;
}

export function makeSingle({ delivery, amendments, jobs, find }: SingleNeeds): ReplayOne {
  function mustTake(targetHandler: string, eventType: string): void {
    delivery.mustOwn([targetHandler]);
    const spec = delivery.find(targetHandler)?.spec;
    if (spec?.types.includes(eventType)) return;
    throw refused("#/target_handler", `Handler ${targetHandler} ${spec === undefined ? "does not run here" : `does not take ${eventType}`}.`);
  }

  return async (id, { tenant, actor, reason, handler, targetHandler, migration, id: replayId }) => {
    if (targetHandler !== null && migration !== undefined)
      throw refused("#/migration", "A migration amends the dead letter of its own handler: replay it there, or without the migration.");
    const letter = await find(id, tenant, handler);
    const own = targetHandler !== null;
    if (own) mustTake(targetHandler, letter.eventType);
    else delivery.must(letter.handler).letters.mayAct(letter.stream, letter.revision, "replay");
    await amendments.mustDeliver(letter, migration ?? null); // an event that cannot be lifted would only fail again, so it is refused before anything changes
    const { job, position } = await jobs.begin(
      {
        ...{ kind: "single", actor, reason, tenant, ratePerSecond: null, filter: null, total: 1, own, targetHandler },
        ...(migration === undefined ? {} : { migration }),
        ...(replayId === undefined ? {} : { replayId }),
      },
      [toItem(letter, targetHandler)],
    );
    const ended = job.end.ofJob.then((endedAt) => endOf({ figures: () => job.figures(), lastError: () => job.lastError }, endedAt));
    ended.catch(() => {}); // nobody may be waiting for it
    return { replayId: job.request.replayId, letter, position, ended };
  };
}

function toItem({ handler, stream: lane, revision, position, id: eventId, attempts }: DeadLetterDetail, targetHandler: string | null): ReplayItem {
  return { handler: targetHandler ?? handler, lane, revision, at: position.toString(), eventId, attempts: targetHandler === null ? attempts : 0 };
}

/** @throws NOT_DEAD_LETTERED when the dead letter was left alone. */
export function endOf({ figures, lastError }: Pick<BegunReplay, "figures" | "lastError">, position: Position): SingleEnd {
  const { succeeded, skips } = figures();
  if (skips.length > 0) throw new RepriseError("NOT_DEAD_LETTERED", `The dead letter was left alone: ${skips[0]!.reason}.`);
  return { outcome: succeeded === 1 ? "replayed" : "dead_lettered", error: lastError(), position };
}

function refused(pointer: string, detail: string): RepriseError {
  return new RepriseError("REQUEST_INVALID", detail, { errors: [{ pointer, detail }] });
}
