import { BACKWARDS, END, ErrorType } from "@eventstore/db-client";
import type { Clock } from "../../event/clock.ts";
import type { Connected } from "./connect.ts";
import { isServerError, mayPass } from "./server-error.ts";
import { within } from "./waiting.ts";

/** The client has found a node that reads as a leader does, and knows the server's capabilities: no part of it is broken. */
export async function isWorking({ client, capabilities }: Connected, trialMs: number, clock: Clock, closing: AbortSignal): Promise<boolean> {
  const read = async () => {
    for await (const _ of client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, requiresLeader: true }));
  };
  const tried = read()
    .catch((error: unknown) => {
      if (!isServerError(error, ErrorType.NOT_LEADER)) throw error;
      return read(); // by now it asks the node that the first one has named
    })
    .then(capabilities)
    .then(
      () => true,
      (error: unknown) => !mayPass(error), // refused is answered, too
    );
  return within(tried, trialMs, clock, closing).catch(() => false);
}
