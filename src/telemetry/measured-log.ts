/**
 * A log, and a twin of it that sees what is on record of deliveries and replays. Counted is what was stored, when it was stored: an append that failed counts
 * nothing, and its repeat, which finds its events there, once.
 */
import { handlerOfJournal, isReplayStream, ownTenant } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { AttemptRecord } from "../records/attempt.ts";
import type { JournalEvent } from "../records/journal.ts";
import { singly } from "../records/progress.ts";
import type { ReplayEntry } from "../records/replay.ts";
import type { Counted, DeliveryOutcome } from "./counted.ts";

/** Journals and replays are streams of Reprise's own. Other appends, by far the most, go on without a promise more. */
const ourPrefix = `${ownTenant}.`;

type EventOfOurs = { readonly type: string; readonly data: unknown };

export function measuredLog(log: EventLog, counted: Counted): EventLog {
  /** Deliveries that a person approved run like the item of a replay, under an id of their own, and are none. */
  const approved = new Set<string>();
  const append: EventLog["append"] = (...asked) => (asked[0].startsWith(ourPrefix) ? appendOurs(...asked) : log.append(...asked));
  const appendOurs: EventLog["append"] = async (stream, events, expected, how) => {
    const appended = await log.append(stream, events, expected, how);
    const handler = handlerOfJournal(stream);
    if (handler !== null)
      for (const event of events as readonly EventOfOurs[]) for (const one of singly(event)) countJournal(counted, approved, handler, one as JournalEvent);
    else if (isReplayStream(stream)) for (const event of events as readonly EventOfOurs[]) countReplay(counted, event as ReplayEntry);
    return appended;
  };
  // The rest goes to the log itself: its members are its own, and some adapters have more of them than others.
  return new Proxy(log, {
    get(target, name) {
      if (name === "append") return append;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

function countJournal({ deliveries, attemptsFailed, replayItems }: Counted, approved: Set<string>, handler: string, { type, data }: JournalEvent): void {
  const isItem = (replayId: string | undefined): boolean => replayId !== undefined && !approved.delete(replayId);
  const came = (outcome: DeliveryOutcome, record: AttemptRecord | null): void => {
    deliveries.of(handler, outcome).add();
    if (record?.outcome === "failed" && record.class !== null) attemptsFailed.of(handler, record.class).add();
  };
  switch (type) {
    case "delivery.decided":
      if (data.act.replayId === undefined) approved.add(data.runId);
      return;
    case "delivery.failed":
    case "delivery.deferred":
      came("failed", data.record);
      return;
    case "delivery.dead_lettered":
      if (isItem(data.replayId)) replayItems.of("failed").add();
      came(data.escalated ? "escalated" : "dead_lettered", data.record);
      return;
    case "delivery.settled":
      if (data.outcome === "replayed" && isItem(data.act.replayId)) replayItems.of("succeeded").add();
      came(data.outcome, data.record);
      return;
  }
}

/** Of a replay's own deliveries each has its outcome here; those of dead letters have theirs in the journals. What was left alone is told at the end. */
function countReplay({ replayItems }: Counted, { type, data }: ReplayEntry): void {
  if (type === "replay.outcomes") for (const { outcome } of data.outcomes) replayItems.of(outcome).add();
  if (type === "replay.ended") replayItems.of("skipped").add(data.skipped);
}
