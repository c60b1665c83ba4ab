/** Data as a stored event has it, and as today's schema has it. */

import { z } from "zod";
import type { LiftStep } from "../../catalog/catalog.ts";
import type { EventView } from "../../views/model/event.ts";
import { count, data, failure, toFailure } from "./reply-members.ts";

export const stored = z.strictObject({ type: z.string(), schema_version: count, data });

export const step = z.strictObject({
  from: count,
  to: count,
  type: z.string(),
  data,
  error: failure.nullable(),
  dropped: z.string().nullable(),
  split: z.array(stored).nullable(),
  left_out: z.boolean(),
});

/** A stored event that is not one event today: split into these, or dropped, with the reason. */
export const today = {
  parts: z.array(z.strictObject({ id: z.string(), type: z.string(), schema_version: count, data })).nullable(),
  dropped: z.string().nullable(),
};

type TodayReply = { [Name in keyof typeof today]: z.input<(typeof today)[Name]> };

export function toStored(stored: { readonly type: string; readonly schemaVersion: number; readonly data: unknown }): {
  type: string;
  schema_version: number;
  data: unknown;
} {
  return { type: stored.type, schema_version: stored.schemaVersion, data: stored.data };
}

export function toStep({ from, to, type, data, error, dropped, split, leftOut = false }: LiftStep): z.input<typeof step> {
  return { from, to, type, data, error: toFailure(error), dropped: dropped ?? null, split: split?.map(toStored) ?? null, left_out: leftOut };
}

export function toToday({ parts, dropped }: Pick<EventView, "parts" | "dropped">): TodayReply {
  return { parts: parts?.map(({ id, type, schemaVersion, data }) => ({ id, type, schema_version: schemaVersion, data })) ?? null, dropped };
}
