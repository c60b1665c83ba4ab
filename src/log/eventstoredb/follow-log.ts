import type { Position } from "../../event/event.ts";
import { logStream, truncatedStream } from "../../event/names.ts";
import { type Decoded, withData } from "./envelope.ts";
import { makeIntake } from "./intake.ts";
import type { Reader } from "./reader.ts";
import type { Server } from "./server.ts";
import type { Truncations } from "./truncations.ts";
import type { Recorded } from "./wire/recorded.ts";

/** The calls that one subscription makes while it follows the log. */
export interface FollowTold {
  /** The subscription is confirmed. */
  confirmed(): void;
  trouble(why: string): void;
  /** Whether the subscription has come as far as the log went when it was begun. */
  live(now: boolean): void;
  /** An event of the server, whoever wrote it. `decoded` is null when it is not of this log. */
  arrived(recorded: Recorded, decoded: Decoded | null): void;
  /** All events that have arrived so far were handed on. */
  took(): void;
}

/** Follows the log behind a position with one subscription, until it breaks or the log closes. */
export async function followLog(server: Server, reader: Reader, truncations: Truncations, begun: Position, told: FollowTold): Promise<void> {
  const { connection, envelope, limits, clock, closing } = server;
  const metadataOfLog = `$$${envelope.nativeName(logStream)}`;
  let reached = begun;
  const intake = makeIntake(connection.current.read({ is: "subscription", after: begun, filter: null }), clock);
  const wake = () => intake.wake();
  closing.addEventListener("abort", wake);
  let target: Position | null = null;
  let confirmed = false;
  const confirm = () => {
    confirmed = true;
    told.confirmed();
    reader.serverHead().then(
      (head) => {
        target = head;
        // The server was restored from an old backup meanwhile, so the subscription would be silent, perhaps for ever.
        if (head < begun) told.trouble(`The log ends at position ${head}, but was read up to ${begun}.`);
        told.live(reached >= head);
      },
      () => {}, // the subscription breaks, too, or stays behind until the next one
    );
  };
  const take = (recorded: Recorded) => {
    reached = recorded.position;
    if (recorded.type === "$metadata" && recorded.streamId === metadataOfLog && recorded.isJson) truncations.learn(recorded.data);
    const decoded = envelope.decode(recorded);
    const stream = decoded?.event.stream;
    if (stream === truncatedStream || stream === logStream) truncations.see(withData(decoded!.event, recorded));
    told.arrived(recorded, decoded);
  };
  try {
    while (!intake.ended && !closing.aborted) {
      const arrived = await intake.take(() => false, confirmed ? {} : { ms: limits.answerMs });
      if (arrived.length > 0) connection.heard();
      for (const answer of arrived)
        if (answer.is === "confirmed") confirm();
        else if (answer.is === "event" && answer.event.position > reached) take(answer.event);
      if (target !== null && reached >= target) told.live(true);
      if (arrived.length > 0) told.took();
    }
  } finally {
    closing.removeEventListener("abort", wake);
    told.live(false);
    intake.leave();
  }
}
