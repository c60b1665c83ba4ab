import { ErrorType, jsonEvent, NO_STREAM } from "@eventstore/db-client";
import { RepriseError } from "../../errors.ts";
import { readStreamPage } from "./page.ts";
import { ask, repeated, type Server } from "./server.ts";
import { isServerError } from "./server-error.ts";
import { within } from "./waiting.ts";

type Metadata = Readonly<Record<string, unknown>>;

/** Attempts to change a stream's metadata while others do, too. */
const maxAttempts = 20;

/** Reads, changes and writes, at the revision read; null from `change` leaves all as it is. */
export async function changeMetadata(server: Server, stream: string, change: (metadata: Metadata) => Metadata | null): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const [last] = (await readStreamPage(server, `$$${stream}`, "backward", null, 1)).events;
    const changed = change(((last?.isJson ?? false) ? (last!.data as unknown as Metadata) : null) ?? {});
    if (changed === null) return;
    const event = jsonEvent({ type: "$metadata", data: changed as Record<string, never> });
    const expectedRevision = last?.revision ?? NO_STREAM;
    try {
      const name = `$$${server.envelope.nativeName(stream)}`;
      const options = { expectedRevision, requiresLeader: true } as const;
      await repeated(server, "write", `Truncating ${stream}`, () =>
        ask(server, "write", (client) => within(client.appendToStream(name, event, options), server.limits.answerMs, server.clock, server.closing)),
      );
      return;
    } catch (error) {
      if (!isServerError((error as Error).cause, ErrorType.WRONG_EXPECTED_VERSION)) throw error;
    }
  }
  throw new RepriseError("LOG_UNAVAILABLE", `Truncating ${stream} failed: its metadata is changed by others all the time.`, { retryAfterMs: 1000 });
}
