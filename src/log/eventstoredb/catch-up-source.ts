import type { Position } from "../../event/event.ts";
import type { EventFilter } from "../event-log.ts";
import { type Intake, makeIntake } from "./intake.ts";
import type { Server } from "./server.ts";
import type { ReadAnswer } from "./wire/read-answer.ts";

/** One subscription that catches up. */
export interface CatchUpSource {
  readonly intake: Intake<ReadAnswer>;
  close(): void;
}

/** @param filter null: the server sends all events. */
export function openSource({ connection, envelope, clock }: Server, after: Position, filter: EventFilter | null, leaving: AbortSignal): CatchUpSource {
  const there = filter === null || "types" in filter ? filter : { streamPrefixes: filter.streamPrefixes.map((prefix) => envelope.nativeName(prefix)) };
  const intake = makeIntake(connection.current.read({ is: "subscription", after, filter: there }), clock);
  const wake = () => intake.wake();
  leaving.addEventListener("abort", wake);
  return {
    intake,
    close() {
      leaving.removeEventListener("abort", wake);
      intake.leave();
    },
  };
}
