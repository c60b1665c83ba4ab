import { RepriseError } from "../../errors.ts";
import type { Position } from "../../event/event.ts";
import { isUuid, type NewId } from "../../event/ids.ts";
import { logStream } from "../../event/names.ts";
import { encodeAppend } from "../append-rules.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** The log's id, and where the event stands that began it. Several processes may begin it at once: each expects no stream, so only one of them succeeds. */
export async function findOrCreateLogId(
  reader: Reader,
  writer: Writer,
  makeId: NewId,
  create: boolean,
): Promise<{ readonly logId: string; readonly at: Position }> {
  for (let attempt = 0; attempt < 2; attempt++) {
    for await (const [first] of reader.readStream(logStream, { limit: 1 })) {
      const logId = (first?.data as { readonly logId?: unknown } | null | undefined)?.logId;
      if (first?.type === "log.created" && typeof logId === "string" && isUuid(logId)) return { logId, at: first.position };
      throw new RepriseError("LOG_FOREIGN", `The stream ${logStream} does not begin with log.created: this server holds something else under that name.`);
    }
    if (!create) throw new RepriseError("LOG_MISSING", "There is no log on this server.");
    const logId = makeId();
    const created = {
      id: makeId(),
      type: "log.created",
      schemaVersion: 1,
      source: null,
      occurredAt: null,
      data: { logId },
      metadata: { priority: "normal" },
    } as const;
    try {
      const [begun] = await writer.append(encodeAppend(logStream, [created], "none"));
      return { logId, at: begun!.position };
    } catch (error) {
      if (!(error instanceof RepriseError && error.code === "REVISION_CONFLICT")) throw error;
    }
  }
  throw new RepriseError("LOG_FOREIGN", `The stream ${logStream} holds no event that can be read: this server holds something else under that name.`);
}
