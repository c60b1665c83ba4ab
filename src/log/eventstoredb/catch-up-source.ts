import { eventTypeFilter, type RecordedEvent, START, streamNameFilter } from "@eventstore/db-client";
import type { Position } from "../../event/event.ts";
import type { EventFilter } from "../event-log.ts";
import type { Envelope } from "./envelope.ts";
import { type Intake, makeIntake, readAhead } from "./intake.ts";
import type { Server } from "./server.ts";

/** The server reports its progress after it has tested so many times 32 events against a filter. */
const checkpointInterval = 16;
/** At most so many are left when it has reported all that it has come to. */
export const checkpointEvents = checkpointInterval * 32;

interface Arrived {
  readonly event?: RecordedEvent & { position?: { commit: Position } };
}

/** One subscription that catches up. */
export interface CatchUpSource {
  readonly intake: Intake<Arrived>;
  /** Whether all that has arrived was taken. Only then does the server's progress hold for us. */
  isTaken(): boolean;
  /** How far the server has looked for the filter. */
  checkpoint(): Position;
  hasCaughtUp(): boolean;
  close(): void;
}

/** @param filter null: the server sends all events. */
export function openSource({ connection, envelope, clock }: Server, after: Position, filter: EventFilter | null, leaving: AbortSignal): CatchUpSource {
  let checkpoint = 0n;
  let caughtUp = false;
  const source = connection.current.client.subscribeToAll(
    {
      fromPosition: after === 0n ? START : { commit: after, prepare: after },
      requiresLeader: true,
      ...(filter === null ? {} : { filter: serverFilter(envelope, filter, (position) => (checkpoint = position)) }),
    },
    readAhead,
  );
  const intake = makeIntake(source as never as Parameters<typeof makeIntake<Arrived>>[0], clock);
  const wake = () => intake.wake();
  leaving.addEventListener("abort", wake);
  source.on("caughtUp", () => {
    caughtUp = true;
    intake.wake();
  });
  return {
    intake,
    isTaken: () => source.readableLength === 0,
    checkpoint: () => checkpoint,
    hasCaughtUp: () => caughtUp,
    close() {
      leaving.removeEventListener("abort", wake);
      source.on("error", () => {});
      intake.leave();
      source.unsubscribe().catch(() => {});
    },
  };
}

function serverFilter(envelope: Envelope, wanted: EventFilter, checkpointReached: (position: Position) => void) {
  const onCheckpoint = async (_: unknown, { commit }: { readonly commit: bigint }) => checkpointReached(commit);
  const options = { checkpointInterval, checkpointReached: onCheckpoint };
  if ("types" in wanted) return eventTypeFilter({ prefixes: [...wanted.types], ...options });
  return streamNameFilter({ prefixes: wanted.streamPrefixes.map((prefix) => envelope.nativeName(prefix)), ...options });
}
