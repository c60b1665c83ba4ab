/** Delivers the oldest dead letters that a filter matches again, up to a number. The order within an entity is kept. */
import type { Migrations } from "../catalog/migration.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { Position } from "../event/event.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { DeadLetterFilter } from "../views/model/dead-letter.ts";
import type { LetterPointer } from "../views/model/letters-to-replay.ts";
import type { Views } from "../views/model/views.ts";
import type { ChosenLetters } from "./chosen.ts";
import { laneOf } from "./items.ts";
import type { JobFigures } from "./job-figures.ts";
import type { Jobs } from "./jobs.ts";
import { filterText } from "./selection.ts";

export interface ChosenBatch extends ChosenLetters {
  readonly maxEvents: number;
  readonly ratePerSecond: number | null;
}

export interface StartedReplay {
  readonly replayId: string;
  readonly figures: () => JobFigures;
  /** Every item is over. */
  readonly ended: Promise<Position>;
  /** Position of the replay's first events. */
  readonly position: Position;
}

export type ReplayBatch = (filter: DeadLetterFilter, chosen: ChosenBatch) => Promise<StartedReplay>;

export interface BatchNeeds {
  readonly views: Pick<Views, "oldestDeadLetters" | "heldLanes">;
  readonly delivery: Pick<RunningHandlers, "mustOwn">;
  readonly migrations: Pick<Migrations, "mustKnow">;
  readonly jobs: Jobs;
}

export function makeBatch({ views, delivery, migrations, jobs }: BatchNeeds): ReplayBatch {
  /** Last revision that each lane holds back: what the replay releases goes at its rate up to there. */
  async function heldThrough(letters: readonly LetterPointer[]): Promise<ReadonlyMap<string, number | null>> {
    const lanes = new Map(letters.map(({ handler, stream }) => [laneOf({ handler, lane: stream }), { handler, stream }]));
    const held = await views.heldLanes([...lanes.values()]);
    return new Map([...lanes.keys()].map((lane, index) => [lane, held[index]!.through]));
  }

  return async (filter, { tenant, actor, reason, maxEvents, ratePerSecond, migration, id: replayId }) => {
    if (migration !== undefined) migrations.mustKnow(migration);
    jobs.mustHaveRoom(tenant);
    // A batch decides nothing for the people who are asked: it takes what waits for nobody.
    const letters = await views.oldestDeadLetters({ ...filter, escalated: 0 }, maxEvents);
    delivery.mustOwn(letters.map(({ handler }) => handler));
    const through = await heldThrough(ratePerSecond === null ? [] : letters);
    const items = letters.map((letter) => toItem(letter, through));
    const { tenant: _tenant, ...asked } = filter;
    const { job, position } = await jobs.begin(
      {
        ...{ kind: "batch", actor, reason, tenant, ratePerSecond, filter: filterText(asked), total: items.length },
        ...(migration === undefined ? {} : { migration }),
        ...(replayId === undefined ? {} : { replayId }),
      },
      items,
    );
    // Without a rate nothing of what the items release is left to the replay's pace: its end is not far.
    const ended = ratePerSecond === null ? job.end.ofJob : job.end.ofItems;
    return { replayId: job.request.replayId, figures: () => job.figures(), position, ended };
  };
}

function toItem({ handler, stream: lane, revision, position, eventId, attempts }: LetterPointer, through: ReadonlyMap<string, number | null>): ReplayItem {
  const last = through.get(laneOf({ handler, lane })) ?? null;
  return { handler, lane, revision, at: position.toString(), eventId, attempts, ...(last === null ? {} : { through: last }) };
}
