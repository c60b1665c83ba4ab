/** What Reprise itself wrote goes after the longest time of all rules, without an archive: streams that are over, and the beginnings of journals. */
import type { NewId } from "../event/ids.ts";
import type { EventLog } from "../log/event-log.ts";
import type { RetentionStreamData } from "../records/retention.ts";
import type { RecordedJournal } from "./journals/beginning.ts";
import { shortenJournals } from "./journals/shorten.ts";
import { endedStreams } from "./own-streams.ts";
import type { makeRemoval } from "./removal.ts";
import type { RetentionRule } from "./retention-rule.ts";
import type { RetentionStream } from "./retention-stream.ts";
import type { RunProgress } from "./run-report.ts";

/** Streams that one record of those forgotten names. */
const forgottenAtOnce = 64;
/** A journal is abridged once a day, or four times within the time that events live. */
const shortenEveryMs = 86_400_000;

interface ForgettingNeeds {
  readonly needs: { readonly log: EventLog; readonly newId: NewId; readonly rules: readonly RetentionRule[] };
  readonly options: { readonly runId: string; readonly progress: RunProgress; readonly signal: AbortSignal };
  readonly stream: RetentionStream;
  readonly removal: ReturnType<typeof makeRemoval>;
  readonly nowMs: number;
  readonly rest: (done: number) => Promise<void>;
}

export function makeForgetting({ needs: { log, newId, rules }, options: { runId, progress, signal }, stream, removal, nowMs, rest }: ForgettingNeeds) {
  const afterMs = rules.reduce((most, rule) => Math.max(most, rule.afterMs), 0);
  const untilMs = nowMs - afterMs;

  async function forget(streams: RetentionStreamData["retention.forgotten"]["streams"]): Promise<void> {
    const entry = { type: "retention.forgotten", data: { runId, streams } } as const;
    await stream.record(entry);
    await removal.finish([entry]);
    progress.forgotten += streams.length;
  }

  return {
    /** Plans, replays and effects. */
    async ended(): Promise<void> {
      if (rules.length === 0) return;
      for await (const ended of endedStreams(log, untilMs, signal))
        for (let from = 0; from < ended.length; from += forgottenAtOnce) await forget(ended.slice(from, from + forgottenAtOnce));
    },
    async shorten(journals: readonly RecordedJournal[]): Promise<void> {
      if (rules.length === 0) return;
      for await (const cuts of shortenJournals(journals, { log, newId, untilMs, everyMs: Math.min(shortenEveryMs, afterMs / 4), rest, signal }))
        if (cuts.length > 0) await forget(cuts.map((cut) => [cut.stream, cut.before] as const));
    },
  };
}
