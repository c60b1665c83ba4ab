/** Removes what is on record as archived or forgotten. Done again, it changes nothing. */
import type { EventLog, StreamCut } from "../log/event-log.ts";
import type { RetentionStreamData } from "../records/retention.ts";
import type { RetentionEntry, RetentionStream } from "./retention-stream.ts";
import type { RunProgress } from "./run-report.ts";

interface RemovalNeeds {
  readonly log: EventLog;
  readonly stream: RetentionStream;
  readonly runId: string;
  readonly rest: (done: number) => Promise<void>;
  readonly progress: RunProgress;
  readonly signal: AbortSignal;
}

export function makeRemoval({ log, stream, runId, rest, progress, signal }: RemovalNeeds) {
  const counted = async (done: number) => {
    progress.removed += done;
    await rest(done);
  };

  async function archived(entries: readonly RetentionStreamData["retention.archived"][]): Promise<void> {
    const before = new Map<string, number>();
    for (const { streams } of entries) for (const [name, , end] of streams) before.set(name, Math.max(before.get(name) ?? 0, end));
    if (before.size === 0) return;
    const cuts = Array.from(before, ([name, end]): StreamCut => ({ stream: name, before: end }));
    const after = entries.map((entry) => BigInt(entry.after)).reduce((least, one) => (one < least ? one : least));
    const through = entries.map((entry) => BigInt(entry.through)).reduce((most, one) => (one > most ? one : most));
    await log.truncateStreams(cuts, { after, through, rest: counted, signal });
  }

  return {
    /** @param entries what was recorded since the last time. */
    async finish(entries: readonly RetentionEntry[]): Promise<void> {
      const ofEvents = entries.flatMap((entry) => (entry.type === "retention.archived" ? [entry.data] : []));
      const ofOurs = entries.flatMap((entry) => (entry.type === "retention.forgotten" ? entry.data.streams : []));
      if (ofEvents.length === 0 && ofOurs.length === 0) return;
      const removed = progress.removed;
      await archived(ofEvents);
      for (const [name, end] of ofOurs) {
        signal.throwIfAborted();
        // Many small streams: a server that had to hide each at once would keep a list of them, and what it still shows of them says nothing.
        await log.truncate(name, end, "shown");
        await rest(1);
      }
      await stream.record({ type: "retention.removed", data: { runId, events: progress.removed - removed } });
    },
  };
}
