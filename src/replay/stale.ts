/** What has changed since a plan was made. */
import type { Catalog } from "../catalog/catalog.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { makeTurns } from "../event/turns.ts";
import type { PlanFindings } from "../records/plan.ts";
import type { ReplayItem } from "../records/replay-item.ts";

export interface Change {
  readonly reason: string;
  readonly count: number;
  /** The first ten. */
  readonly eventIds: readonly string[];
}

const maxShown = 10;

export async function changesSince(
  { chains, selection, targetHandler }: PlanFindings,
  items: readonly ReplayItem[],
  { delivery, catalog }: { readonly delivery: RunningHandlers; readonly catalog: Catalog },
): Promise<readonly Change[]> {
  const changes = new Map<string, { count: number; eventIds: string[] }>();
  const note = (reason: string, { eventId }: ReplayItem): void => {
    const change = changes.get(reason) ?? { count: 0, eventIds: [] };
    changes.set(reason, change);
    change.count++;
    if (change.eventIds.length < maxShown) change.eventIds.push(eventId);
  };
  const turns = makeTurns();
  for (const item of items) {
    if (turns.due()) await turns.next();
    const { handler, lane, revision, attempts } = item;
    if (delivery.find(handler) === undefined) note("are for a handler that does not run here", item);
    else if (selection.kind !== "history" && targetHandler === null) {
      const now = (await delivery.find(handler)?.known(lane, revision))?.attempts;
      if (now === undefined) note("are not dead-lettered any more", item);
      else if (now !== attempts) note("failed again", item);
    }
  }
  const lifted = Object.entries(chains).filter(([type, fingerprint]) => catalog.chainFingerprint(type) !== fingerprint);
  return [
    ...Array.from(changes, ([reason, { count, eventIds }]) => ({ reason, count, eventIds })),
    ...(lifted.length === 0
      ? []
      : [{ reason: `event types have other schemas or upcasters (${lifted.map(([type]) => type).join(", ")})`, count: lifted.length, eventIds: [] }]),
  ];
}
