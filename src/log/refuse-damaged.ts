import { RepriseError } from "../errors.ts";
import type { StoredEvent } from "../event/event.ts";
import { ownTenant } from "../event/names.ts";

/** @throws LOG_DAMAGED for a damaged event in a stream of Reprise's own. */
export function refuseDamaged(stream: string, events: readonly StoredEvent[]): void {
  if (!stream.startsWith(`${ownTenant}.`)) return;
  const damage = events.find((event) => event.damage !== undefined)?.damage;
  if (damage !== undefined) throw new RepriseError("LOG_DAMAGED", `${stream} cannot be read: ${damage.detail}.`);
}
