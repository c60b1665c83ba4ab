/**
 * Reading a handler's journal. An event that does not belong there (one of another program, one that cannot be read, one that does not fold) ends the
 * reading, and the error names its place. Only that handler stands still, until an operator has such events skipped, which is recorded.
 */
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { EventLog } from "../../log/event-log.ts";
import { foldsType } from "./fold.ts";

/** Revisions that every reading skips: `from` to `to`, inclusive. */
export interface Skip {
  readonly from: number;
  readonly to: number;
  /** The event's type; null when the event cannot be read, so that nobody knows its type. */
  readonly type: string | null;
}

/** The most ranges that one repair skips: a program that wrote more than this is probably still writing. */
export const maxSkips = 1000;

/** Whether Reprise wrote the event: all its events name it as their source. */
export function isOwnEvent({ source, type }: StoredEvent): boolean {
  return source === "reprise" && foldsType(type);
}

export function isSkipped(skips: readonly Skip[], revision: number): boolean {
  return skips.some(({ from, to }) => from <= revision && revision <= to);
}

/**
 * Hands the journal's own events to `visit`, from a revision on, and goes on until the stream's end.
 *
 * @param foreign is told what does not belong there; default: it ends the reading.
 * @returns the stream's last revision; `from` − 1 when there is none.
 * @throws JOURNAL_DAMAGED
 */
export async function readJournal(
  { log, stream, from, skips }: { readonly log: EventLog; readonly stream: string; readonly from: number; readonly skips: readonly Skip[] },
  visit: (event: StoredEvent) => void,
  foreign: (skip: Skip, detail?: string) => void = (skip, detail) => {
    throw damaged(stream, skip, detail);
  },
): Promise<number> {
  let next = from;
  const missing = (to: number) => {
    for (; next < to; next++) if (!isSkipped(skips, next)) foreign({ from: next, to: next, type: null });
  };
  const see = (event: StoredEvent) => {
    const { revision, type } = event;
    next = revision + 1;
    if (isSkipped(skips, revision)) return;
    if (event.damage !== undefined) {
      // A damaged snapshot loses nothing: the snapshot before it and the events since say the same.
      if (type !== "snapshot") foreign({ from: revision, to: revision, type: null }, event.damage.detail);
      return;
    }
    if (!isOwnEvent(event)) return foreign({ from: revision, to: revision, type });
    try {
      visit(event);
    } catch (error) {
      if (!isRepriseError(error, "JOURNAL_DAMAGED")) throw error;
      foreign({ from: revision, to: revision, type });
    }
  };
  let told = from - 1;
  for (;;) {
    const read = async () => {
      for await (const batch of log.readStream(stream, { from: next, damaged: "given" }))
        for (const event of batch) {
          missing(event.revision);
          see(event);
        }
    };
    const [head] = await Promise.all([log.streamRevision(stream), read()]); // at once: whoever takes a partition over waits for it
    missing(told + 1); // the log counts them, and does not show them
    if (head < next) return next - 1;
    told = head;
  }
}

function damaged(stream: string, { from, type }: Skip, detail: string | undefined): RepriseError {
  const fields = { stream, revision: from };
  if (detail !== undefined) return new RepriseError("JOURNAL_DAMAGED", `${stream} cannot be read at revision ${from}: ${detail}.`, { fields });
  const what = type === null ? "an event that cannot be read" : `"${type}"`;
  return new RepriseError("JOURNAL_DAMAGED", `${stream} has ${what} at revision ${from}, which is not of this journal or does not fold.`, {
    fields,
  });
}
