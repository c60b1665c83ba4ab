import { RepriseError } from "../../errors.ts";
import { toIso } from "../../event/clock.ts";
import { type EncodedAppend, type EncodedEvent, sameContent } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import type { LogDatabase } from "./database.ts";
import type { KnownEvent } from "./known-events.ts";
import { dataSum } from "./sums.ts";

export function duplicates(db: LogDatabase, { stream, events }: EncodedAppend, known: readonly KnownEvent[]): readonly AppendedEvent[] {
  const mustBeSound = ({ damage, ...event }: KnownEvent): void => {
    if (damage !== null)
      throw new RepriseError("LOG_DAMAGED", `Nobody can tell whether this append repeats events of ${stream}: position ${event.position}: ${damage}.`, {
        fields: { stream: event.stream, revision: event.revision },
      });
  };
  known.forEach(mustBeSound);
  const byId = new Map(known.map((event) => [event.id, event]));
  const same = events.every((event) => {
    const before = byId.get(event.event.id);
    if (before === undefined || before.stream !== stream || !mayBeSame(before, event)) return false;
    const whole = db.readKnown(before); // one at a time: together they may have a gigabyte
    mustBeSound(whole);
    return sameContent(whole, event);
  });
  if (!same) {
    const eventIds = known.map((event) => event.id);
    throw new RepriseError(
      "EVENT_ID_REUSED",
      `${eventIds.length} of ${events.length} event ids for ${stream} are stored already, and this append is no exact repeat.`,
      {
        fields: { eventIds },
      },
    );
  }
  return events.map(({ event }) => {
    const { id, revision, position, recordedAtMs } = byId.get(event.id)!;
    return { id, revision, position: BigInt(position), recordedAt: toIso(recordedAtMs), duplicate: true };
  });
}

/** Equal JSON has equally many bytes, whatever the order of its members. Equal sums count, too: data that lost bytes on the disk is the same event. */
function mayBeSame({ large }: KnownEvent, { data }: EncodedEvent): boolean {
  return large === null || large.bytes === Buffer.byteLength(data) || large.sum === dataSum(data);
}
