import { toIso } from "../../event/clock.ts";
import type { EventMetadata, Json, StoredEvent } from "../../event/event.ts";
import { freezeDeep } from "../../event/freeze-deep.ts";
import type { Opened } from "./opened.ts";
import { columnsDamage, dataDamage, type EventRow } from "./row.ts";
import type { StreamNames } from "./stream-names.ts";

/** Makes an event of a row. @param data the row's data, as JSON; null when nobody needs it. */
export type Decode = (row: EventRow, data: string | null) => StoredEvent;

export function makeDecode({ summed, mender, lost }: Opened, { nameOf }: StreamNames): Decode {
  /** The last metadata, because neighbours often have the same, and parsing is a twentieth of a replay's cost. Frozen, because events share them. */
  let parsed: { readonly text: string; readonly metadata: EventMetadata } = { text: "", metadata: { priority: "normal" } };
  const metadataOf = (text: string) => (parsed.text === text ? parsed : (parsed = { text, metadata: freezeDeep(JSON.parse(text) as EventMetadata) })).metadata;

  const damaged = (row: EventRow, found: string): StoredEvent => {
    const how = lost.isOne(row) ? "the page of the file that it stood on cannot be read" : found;
    const { streamId, revision, id, type } = mender.whereabouts(row);
    const { stream, tenant, entity } = nameOf(streamId);
    const ms = Number.isSafeInteger(row[8]) && Math.abs(row[8]) < 8e15 ? row[8] : 0;
    return {
      id: id ?? row[3],
      type: type ?? String(row[4]),
      schemaVersion: row[5],
      source: null,
      occurredAt: null,
      data: null,
      metadata: { priority: "normal" },
      stream,
      tenant,
      entity,
      revision,
      position: BigInt(row[0]),
      recordedAt: toIso(ms),
      damage: { detail: `position ${row[0]} (${stream === "" ? "of an unknown stream" : stream}, revision ${revision}): ${how}`, typeDoubtful: type === null },
    };
  };

  return (row, data) => {
    const how = summed ? (columnsDamage(row) ?? (data === null ? null : dataDamage(row[12], data))) : null;
    if (how !== null) return damaged(row, how);
    const { stream, tenant, entity } = nameOf(row[1]);
    if (stream === "") return damaged(row, "its stream has lost its name");
    return {
      id: row[3],
      type: row[4],
      schemaVersion: row[5],
      source: row[6],
      occurredAt: row[7],
      data: data === null ? null : (JSON.parse(data) as Json),
      metadata: metadataOf(row[9]),
      stream,
      tenant,
      entity,
      revision: row[2],
      position: BigInt(row[0]),
      recordedAt: toIso(row[8]),
    };
  };
}
