/** What other instances write, as it comes: inboxes, journals, and the streams of handlers, integrations and replays. From the moment of the start on. */
import type { Clock } from "../../event/clock.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import { handlerStream, inboxPrefix, integrationStream, journalPrefix, replayStream } from "../../event/names.ts";
import { backOff } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";

export interface TailNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  readonly onEvent: (event: StoredEvent) => void;
  /** The service stops. */
  readonly signal: AbortSignal;
}

const waits = { firstMs: 100, lastMs: 2000 };

/** Resolves once it knows where it begins. */
export async function startTail({ log, clock, logger, onEvent, signal }: TailNeeds): Promise<void> {
  let after: Position = await log.head();
  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted; failures++)
      try {
        const filter = { streamPrefixes: [inboxPrefix, journalPrefix, handlerStream(""), integrationStream(""), replayStream("")] };
        for await (const { events, position } of log.subscribe({ after, filter, signal })) {
          failures = 0;
          for (const event of events) if (event.source === "reprise" && event.damage === undefined) onEvent(event);
          after = position;
        }
      } catch (err) {
        logger.warn({ err }, "what other instances write could not be read; it goes on by itself");
        await backOff(failures, waits, clock, signal);
      }
  };
  void run();
}
