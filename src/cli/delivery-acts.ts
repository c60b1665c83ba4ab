/** Who decided what about a delivery, as lines of a table. */
import type { DeliveryActReply } from "../http/wire/deliveries.ts";
import { type Column, timeText } from "./print.ts";

type Told = Pick<DeliveryActReply, "at" | "what" | "actor" | "reason" | "before" | "after" | "resolution" | "replay_id">;

export const actColumns: readonly Column<Told>[] = [
  ["AT", ({ at }) => timeText(at)],
  ["WHAT", actText],
  ["BY", ({ actor }) => actor, ({ actor }) => [`by ${actor}`]],
  ["REASON", ({ reason }) => reason, ({ reason }) => [reason]],
  ["REPLAY", ({ replay_id }) => replay_id, ({ replay_id }) => [replay_id && `replay ${replay_id}`]],
];

const resolutions = { not_needed: "not needed", done_by_hand: "done by hand" } as const;

export function actText({ what, before, resolution }: Pick<Told, "what" | "before" | "resolution">): string {
  const notes = [before === null ? null : `it was ${before}`, resolution && resolutions[resolution]].filter((note) => note !== null);
  return notes.length === 0 ? what : `${what} (${notes.join(", ")})`;
}
