/** `GET /events/stream`: what is asked of it, and its messages (server-sent events). */
import { z } from "zod";
import { everyTenant } from "../../event/names.ts";
import type { Place, Told, ToldDelivery } from "../../store/following/told.ts";
import { troubledStatuses, type Wanted } from "../../store/following/wanted.ts";
import type { DeliveryStatus } from "../../views/model/delivery.ts";
import { toCloudEvents } from "./cloud-event-reply.ts";
import { defined } from "./defined.ts";
import { term } from "./members.ts";

const placeMessage = "must be the id of a message of this stream, or a position that Reprise answered with";
const maxPosition = 2n ** 63n - 1n;

/** `1042`, or `1042.2` for a reader that has had the first two messages of that record. */
export const place = z
  .string(placeMessage)
  .regex(/^\d{1,19}(?:\.[1-9]\d{0,5})?$/, placeMessage)
  .transform((text): Place => {
    const [position, told] = text.split(".");
    return { position: BigInt(position!), told: told === undefined ? null : Number(told) };
  })
  .refine(({ position }) => position <= maxPosition, placeMessage);

const kinds = ["events", "deliveries", "completed"] as const;
type Kind = (typeof kinds)[number];
const kindsMessage = "must be some of events, deliveries and completed, with commas between them";

export const streamQuery = z.strictObject({
  after: place.optional(),
  event_type: term,
  entity_type: term,
  entity_id: term,
  types: z
    .string(kindsMessage)
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(kinds, kindsMessage), kindsMessage))
    .default(["events", "deliveries"]),
});

export const streamHeaders = z.object({
  "last-event-id": z.string().describe("The id of the last message: the stream goes on after it. It goes before `after`.").optional(),
});

export function toWanted(tenant: string, query: z.output<typeof streamQuery>): Wanted {
  const kinds: ReadonlySet<Kind> = new Set(query.types);
  const statuses = new Set<DeliveryStatus>([...(kinds.has("deliveries") ? troubledStatuses : []), ...(kinds.has("completed") ? (["completed"] as const) : [])]);
  const { event_type: eventType, entity_type: entityType, entity_id: entityId } = query;
  return { tenant, events: kinds.has("events"), statuses, ...defined({ eventType, entityType, entityId }) };
}

/**
 * Messages without their ids: which place it is differs between readers. Each is kept, because many readers are told the same one.
 *
 * @param named deliveries name their tenants.
 */
function makeMessages({ named }: { readonly named: boolean }): (told: Told) => Uint8Array {
  const made = new WeakMap<Told, Uint8Array>();
  return (told) => {
    const known = made.get(told);
    if (known !== undefined) return known;
    const data = told.kind === "event" ? toCloudEvents(told.event)[told.index] : deliveryOf(told, named);
    const message = Buffer.from(`event: ${told.kind}\ndata: ${JSON.stringify(data)}\n\n`);
    made.set(told, message);
    return message;
  };
}

const messages = makeMessages({ named: false });
const messagesOfAll = makeMessages({ named: true });

export function messagesFor(tenant: string): (told: Told) => Uint8Array {
  return tenant === everyTenant ? messagesOfAll : messages;
}

function deliveryOf({ deliveryId, handler, tenant, entity, revision, status }: ToldDelivery, named: boolean): object {
  return { delivery_id: deliveryId, handler, entity: { ...entity }, revision, status, ...(named ? { tenant } : {}) };
}
