import { START } from "@eventstore/db-client";
import type { Position } from "../../event/event.ts";
import { logStream, truncatedStream } from "../../event/names.ts";
import type { Envelope } from "./envelope.ts";
import { makeIntake, readAhead } from "./intake.ts";
import type { Reader } from "./reader.ts";
import type { Server } from "./server.ts";
import type { Truncations } from "./truncations.ts";

/** The calls that one subscription makes while it follows the log. */
export interface FollowTold {
  /** The subscription is confirmed. */
  confirmed(): void;
  trouble(why: string): void;
  /** Whether the subscription has come as far as the log went when it was begun. */
  live(now: boolean): void;
  /** An event of the server, whoever wrote it. `decoded` is null when it is not of this log. */
  arrived(position: Position, decoded: ReturnType<Envelope["decode"]>): void;
  /** All events that have arrived so far were handed on. */
  took(): void;
}

/** Follows the log behind a position with one subscription, until it breaks or the log closes. */
export async function followLog(server: Server, reader: Reader, truncations: Truncations, begun: Position, told: FollowTold): Promise<void> {
  const { connection, envelope, limits, clock, closing } = server;
  let reached = begun;
  const source = connection.current.client.subscribeToAll(
    { fromPosition: begun === 0n ? START : { commit: begun, prepare: begun }, requiresLeader: true },
    readAhead,
  );
  const intake = makeIntake(source as never as Parameters<typeof makeIntake<{ readonly event?: Parameters<typeof envelope.decode>[0] }>>[0], clock);
  const wake = () => intake.wake();
  closing.addEventListener("abort", wake);
  let target: Position | null = null;
  let confirmed = false;
  source.on("confirmation", () => {
    confirmed = true;
    intake.wake();
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
  });
  try {
    while (!intake.ended && !closing.aborted) {
      const arrived = await intake.take(() => false, confirmed ? {} : { ms: limits.answerMs });
      if (arrived.length > 0) connection.heard();
      for (const { event } of arrived) {
        const position = (event as { readonly position?: { readonly commit: Position } } | undefined)?.position?.commit;
        if (event === undefined || position === undefined || position <= reached) continue;
        reached = position;
        if (event.type === "$metadata" && event.streamId === `$$${envelope.nativeName(logStream)}` && event.isJson) truncations.learn(event.data);
        const decoded = envelope.decode(event);
        if (decoded?.event.stream === truncatedStream || decoded?.event.stream === logStream) truncations.see(decoded.event);
        told.arrived(position, decoded);
      }
      if (target !== null && reached >= target) told.live(true);
      if (arrived.length > 0) told.took();
    }
  } finally {
    closing.removeEventListener("abort", wake);
    told.live(false);
    source.on("error", () => {}); // nobody listens to what comes after the end
    intake.leave();
    source.unsubscribe().catch(() => {});
  }
}
