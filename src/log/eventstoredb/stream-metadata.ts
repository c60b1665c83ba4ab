import { randomUUID } from "node:crypto";
import { RepriseError } from "../../errors.ts";
import { readStreamPage } from "./page.ts";
import { appendOnce, repeated, type Server, withinAnswer } from "./server.ts";

type Metadata = Readonly<Record<string, unknown>>;

/** Attempts to change a stream's metadata while others do, too. */
const maxAttempts = 20;

/** Reads, changes and writes, at the revision read; null from `change` leaves all as it is. */
export async function changeMetadata(server: Server, stream: string, change: (metadata: Metadata) => Metadata | null): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const [last] = (await readStreamPage(server, `$$${stream}`, "backward", null, 1)).events;
    const changed = change(((last?.isJson ?? false) ? (last!.data as unknown as Metadata) : null) ?? {});
    if (changed === null) return;
    const event = { id: randomUUID(), type: "$metadata", data: JSON.stringify(changed), metadata: "" };
    const request = { stream: `$$${server.envelope.nativeName(stream)}`, head: last === undefined ? -1 : last.revision, events: [event] };
    const sent = await repeated(server, "write", `Truncating ${stream}`, () => appendOnce(server, request, withinAnswer(server)));
    if (sent.is === "stored") return;
  }
  throw new RepriseError("LOG_UNAVAILABLE", `Truncating ${stream} failed: its metadata is changed by others all the time.`, { retryAfterMs: 1000 });
}
