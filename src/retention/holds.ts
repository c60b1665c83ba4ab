/** What holds events in the log, followed from the log itself: handlers with their journals, and plans and replays that are not over. */
import type { Catalog } from "../catalog/catalog.ts";
import type { Position, StoredEvent } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import { HandlerRecords } from "./handler-records.ts";
import type { Hold } from "./hold.ts";
import { OpenWorks } from "./open-work.ts";

export interface Holds {
  readonly handlers: HandlerRecords;
  /** Null: nothing. */
  of(event: StoredEvent): Hold | null;
  /** Reads what was recorded since. What is done stays done, so an old state holds too much and never too little, but for what `recorded` counts. */
  refresh(): Promise<void>;
  /** Records of handlers, plans and replays read so far: with each of them more may be held. */
  readonly recorded: number;
}

export interface HoldNeeds {
  readonly log: EventLog;
  readonly catalog: Catalog;
  /** Names of the config's handlers. */
  readonly handlers: ReadonlySet<string>;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export async function openHolds({ log, catalog, handlers: configured, now, signal }: HoldNeeds): Promise<Holds> {
  const handlers = new HandlerRecords(log, catalog, configured);
  const works = new OpenWorks();
  const filter = { streamPrefixes: [...HandlerRecords.prefixes, ...OpenWorks.prefixes] };
  let after: Position = 0n;
  let recorded = 0;
  const holds: Holds = {
    handlers,
    get recorded() {
      return recorded;
    },
    of: (event) => handlers.holdOf(event) ?? works.holdOf(event, now()),
    async refresh() {
      const head = await log.head();
      for await (const batch of log.readAll({ after, filter, signal }))
        for (const event of batch) {
          handlers.see(event);
          works.see(event);
          after = event.position;
          recorded++;
        }
      if (head > after) after = head;
      works.tidy(now());
      await handlers.follow();
    },
  };
  await holds.refresh();
  return holds;
}
