import { toIso } from "../../../event/clock.ts";
import { positionText, type StoredEvent } from "../../../event/event.ts";
import { parseStreamName } from "../../../event/names.ts";
import type { DeadLetterView } from "../../model/dead-letter.ts";
import { currentType, type Sources } from "../context.ts";
import { liftedView } from "../events/event-view.ts";
import type { AmendmentInForce } from "./amendments.ts";
import type { LetterRow } from "./letter-row.ts";

const eventRemoved = "event removed from the log";

/** The event as the next delivery of the letter would have it. */
export async function asAmended(event: StoredEvent | undefined, amendment: AmendmentInForce | null): Promise<StoredEvent | undefined> {
  return event === undefined || amendment === null ? event : { ...event, data: await amendment.data() };
}

/** @param read null: the data was not asked for. */
export function letterView(
  { catalog }: Sources,
  row: LetterRow,
  {
    waiting,
    read,
    amendment,
  }: { readonly waiting: number; readonly read: { readonly event: StoredEvent | undefined } | null; readonly amendment: AmendmentInForce | null },
): DeadLetterView {
  const storedSchemaVersion = row.schema_version ?? 1;
  const lifted = read?.event && liftedView(catalog, read.event);
  const part = row.part === null ? undefined : lifted?.parts?.[row.part];
  return {
    id: row.event_id,
    deliveryId: row.delivery_id,
    handler: row.handler,
    tenant: row.tenant,
    stream: row.stream,
    position: positionText(BigInt(row.position)),
    entity: parseStreamName(row.stream)?.entity ?? { type: "", id: "" },
    eventType: part?.type ?? currentType(catalog, row.type),
    source: row.source,
    revision: row.revision,
    schemaVersion: part?.schemaVersion ?? lifted?.schemaVersion ?? catalog.describe(row.type)?.current ?? storedSchemaVersion,
    storedSchemaVersion,
    data: part?.data ?? lifted?.data ?? null,
    part: row.part,
    parts: lifted?.parts ?? null,
    dropped: lifted?.dropped ?? null,
    dataError: lifted ? lifted.dataError : read === null ? null : eventRemoved,
    amendedAt: amendment?.act.at ?? null,
    status: row.status,
    cause: row.cause,
    error: { type: row.error_type, message: row.error_message },
    fingerprint: row.error_group,
    attempts: row.attempts,
    retryCount: row.retry_count,
    waiting,
    replayId: row.replay_id,
    createdAt: row.recorded_ms === null ? row.first_failed_at : toIso(row.recorded_ms),
    firstFailedAt: row.first_failed_at,
    deadLetteredAt: row.dead_lettered_at,
  };
}
