import { RepriseError } from "../errors.ts";
import { positionText } from "../event/event.ts";
import { type LiveRowsOptions, openLiveRows } from "./live-rows.ts";
import type { RunningDeliveries } from "./model/running.ts";
import type { Views } from "./model/views.ts";
import { makeHeldLanes } from "./queries/dead-letters/held-lanes.ts";
import { makeDeadLetterAges } from "./queries/dead-letters/letter-ages.ts";
import { makeDeadLetterDetails } from "./queries/dead-letters/letter-detail.ts";
import { makeDeadLetterList } from "./queries/dead-letters/letter-list.ts";
import { makeLetterPointers } from "./queries/dead-letters/letter-pointers.ts";
import { makeDeadLetterFigures } from "./queries/dead-letters/letter-stats.ts";
import { makeDeliveryReads } from "./queries/deliveries/delivery-lookups.ts";
import { makeEntityReads } from "./queries/entities/entity-list.ts";
import { makeErrorGroupDetail } from "./queries/error-groups/group-detail.ts";
import { makeErrorGroupList } from "./queries/error-groups/group-list.ts";
import { makeEscalationReads } from "./queries/escalations/escalation-list.ts";
import { makeEventReads } from "./queries/events/event-list.ts";
import { makeHandlerReads } from "./queries/handlers/handler-list.ts";
import { makeKnownNames } from "./queries/known-names.ts";
import { makeRates } from "./queries/last-hour.ts";
import { makeHistoryReads } from "./queries/replays/history.ts";
import { makeReplayReads } from "./queries/replays/replay-list.ts";
import { makeReplayOutcomes } from "./queries/replays/replay-outcomes.ts";
import { makeStoredVersions } from "./queries/stored-versions.ts";
import { ofSameRows } from "./same-rows.ts";
import { makeSources } from "./sources.ts";

export interface ViewsOptions extends LiveRowsOptions {
  readonly running: RunningDeliveries;
}

export interface OpenViews extends Views {
  /** May be called twice. */
  start(): void;
  /** Why they do not go on just now; null while they do. */
  trouble(): string | null;
  /** Writes what they hold already. @throws the reason when they cannot be written. */
  probe(): Promise<void>;
}

const waitForMs = 5000;

/**
 * Opens the views as they were left; `start` begins to project. Rows that belong to another log or format, or are damaged, begin anew.
 *
 * @throws LOG_BEHIND_CHECKPOINT when the rows contain more than the log, CONFIG_INVALID when the file belongs to another program.
 */
export async function openViews(options: ViewsOptions): Promise<OpenViews> {
  const { clock } = options;
  const live = await openLiveRows(options);
  const sources = makeSources(live, options);
  const letters = makeDeadLetterList(sources);
  const position = () => live.current().projector.position();
  return {
    start: live.start,
    trouble: () => live.current().projector.trouble(),
    async probe() {
      if (!live.isClosed()) await live.current().projector.probe();
    },
    position: () => positionText(position()),
    async waitFor(wanted, timeoutMs = waitForMs) {
      live.refuseWhenClosed();
      const wait = live.current().waiters.until(BigInt(wanted));
      const timer = clock.after(timeoutMs, () =>
        wait.cancel(new RepriseError("VIEW_BEHIND", "The views have not come to the position that is asked for.", { retryAfterMs: 1000 })),
      );
      try {
        await wait.reached;
      } finally {
        timer.cancel();
      }
    },

    ...ofSameRows(() => live.current().store, {
      ...makeEventReads(sources),
      ...makeDeliveryReads(sources),
      ...makeEntityReads(sources),
      ...makeEscalationReads(sources),
      ...letters,
      ...makeErrorGroupList(sources),
      ...makeErrorGroupDetail(sources, letters),
      ...makeDeadLetterDetails(sources),
      ...makeDeadLetterFigures(sources),
      ...makeDeadLetterAges(sources),
      ...makeLetterPointers(sources),
      ...makeHeldLanes(sources),
      ...makeHandlerReads(sources),
      ...makeKnownNames(sources),
      ...makeStoredVersions(sources),
      ...makeRates(sources),
      ...makeReplayReads(sources),
      ...makeReplayOutcomes(sources),
      ...makeHistoryReads(sources),
    }),

    rebuild: live.rebuild,
    close: live.close,
  };
}
