/** Lifts data as a delivery does, without a log: for tests of upcasters. */
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Entity, EventMetadata, GivenEvent, Json } from "../event/event.ts";
import { newId } from "../event/ids.ts";
import { defaultTenant, streamName } from "../event/names.ts";

/** What a step may look at beside the data. */
export interface LiftedEnvelope {
  readonly entity?: Entity;
  readonly tenant?: string;
  readonly source?: string | null;
  readonly occurredAt?: string | null;
  readonly recordedAt?: string;
  readonly metadata?: EventMetadata;
}

/** What an old event is today. */
export interface LiftedEvent {
  /** One event; several in order when a step splits it; none when a step drops it. */
  readonly parts: readonly { readonly type: string; readonly schemaVersion: number; readonly data: Json }[];
  /** Why a step dropped it. */
  readonly dropped: string | null;
}

/** @throws EVENT_TYPE_UNKNOWN, SCHEMA_VERSION_UNKNOWN, UPCAST_FAILED with the step's own words. */
export function liftEvent(catalog: Catalog, type: string, version: number, data: unknown, envelope: LiftedEnvelope = {}): LiftedEvent {
  const current = catalog.resolve(type);
  if (current === undefined) throw new RepriseError("EVENT_TYPE_UNKNOWN", `The config has no event type ${type}. It has ${catalog.types.join(", ")}.`);
  const { versions } = catalog.describe(current)!;
  if (!versions.includes(version)) throw new RepriseError("SCHEMA_VERSION_UNKNOWN", `${type} has versions ${versions.join(", ")}, and no ${version}.`);
  const lifted = catalog.current(storedAs(type, version, data, envelope));
  if (!lifted.ok) throw new RepriseError("UPCAST_FAILED", `${type} version ${version} cannot be lifted: ${lifted.error.message}`);
  return { parts: lifted.parts.map((part) => ({ type: part.type, schemaVersion: part.schemaVersion, data: part.data as Json })), dropped: lifted.dropped };
}

/** The data of an event that is one event today. @throws as `liftEvent`, and Error for one that is split or dropped. */
export function liftData(...asked: Parameters<typeof liftEvent>): Json {
  const { parts, dropped } = liftEvent(...asked);
  if (parts.length === 1) return parts[0]!.data;
  const is = parts.length === 0 ? `is dropped today: ${dropped}` : `is ${parts.length} events today`;
  throw new Error(`${asked[1]} version ${asked[2]} ${is}. liftEvent shows all of it.`);
}

function storedAs(type: string, schemaVersion: number, data: unknown, envelope: LiftedEnvelope): GivenEvent {
  const { entity = { type: "test", id: "1" }, tenant = defaultTenant, source = null, occurredAt = null, metadata = { priority: "normal" } } = envelope;
  const { recordedAt = "2026-01-01T00:00:00.000Z" } = envelope;
  const text = JSON.stringify(data);
  if (text === undefined) throw new TypeError(`lift takes data that JSON can hold, not ${typeof data}.`);
  return {
    ...{ id: newId(), type, schemaVersion, source, occurredAt, metadata, tenant, entity, recordedAt },
    ...{ data: JSON.parse(text) as Json, stream: streamName(tenant, entity), revision: 0, position: "1" },
  };
}
