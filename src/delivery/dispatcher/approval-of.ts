import type { HandlerContext } from "../handler-context.ts";
import type { Delivery } from "../partition/delivery.ts";

/** Who has approved what is about to be called; of a split event, that part of it. Of a replay's own deliveries, a dry run tries what was approved. */
export function approvalOf({ lane, event, part, loan }: Delivery): HandlerContext["approval"] {
  if ((loan !== null && loan.call?.replay.mode !== "dry_run") || lane.letters.size === 0) return null;
  const approval = lane.letters.get(event.revision)?.approval ?? null;
  if (approval === null || approval.part !== (part?.index ?? null)) return null;
  return { by: approval.actor, reason: approval.reason };
}
