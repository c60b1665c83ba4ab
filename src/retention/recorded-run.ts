/** A run as the log tells it: of another instance, or of a process that is no more. */
import { parseStreamName, retentionStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { RetentionStreamData } from "../records/retention.ts";
import type { RetentionEntry } from "./retention-stream.ts";
import type { ArchiveRun } from "./run-report.ts";

export interface RecordedRunNeeds {
  readonly log: Pick<EventLog, "readStream" | "beats">;
  /** Whether the process works on the log still; null: nobody can know. */
  readonly isAtWork: (life: string) => boolean | null;
}

type Recorded = RetentionEntry & { readonly recordedAt: string };
type Archived = RetentionStreamData["retention.archived"];

/** A run is looked for among so many records. */
const maxRead = 10_000;

/** Null: none of that id was begun, or it is long ago, or it was a dry run. @throws LOG_UNAVAILABLE */
export async function recordedRun({ log, isAtWork }: RecordedRunNeeds, id: string): Promise<ArchiveRun | null> {
  const own: Recorded[] = [];
  let next: Recorded | null = null;
  for await (const batch of log.readStream(retentionStream, { direction: "backward", limit: maxRead }))
    for (const event of batch) {
      const entry = event as unknown as Recorded;
      if (entry.data.runId === id) own.unshift(entry);
      else if (own.length === 0) next = entry;
      if (entry.data.runId === id && entry.type === "retention.begun")
        return shown(entry.data, own, endOf(own, next, log.beats === undefined ? false : isAtWork(entry.data.life)));
    }
  return null;
}

type End = Pick<ArchiveRun, "state" | "why" | "endedAt"> & { readonly freedBytes: number };

function endOf(own: readonly Recorded[], next: Recorded | null, isAtWork: boolean | null): End {
  const last = own.at(-1)!;
  if (last.type === "retention.ended") return { state: last.data.status, why: last.data.why, endedAt: last.recordedAt, freedBytes: last.data.freedBytes };
  if (next !== null) return { state: "stopped", why: "another run has taken over", endedAt: next.recordedAt, freedBytes: 0 };
  if (isAtWork === false) return { state: "stopped", why: "its process is gone: the next run goes on there", endedAt: last.recordedAt, freedBytes: 0 };
  return { state: "running", why: null, endedAt: null, freedBytes: 0 };
}

function shown({ runId, rules }: RetentionStreamData["retention.begun"], own: readonly Recorded[], end: End): ArchiveRun {
  const archived = own.flatMap((entry) => (entry.type === "retention.archived" ? [entry.data] : []));
  const wentBy = goneByType(archived);
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  return {
    ...{ id: runId, dryRun: false, ...end, startedAt: own[0]!.recordedAt },
    rules: rules.map((rule) => ({ ...rule, ...(wentBy.get(rule.entityType) ?? { events: 0, entities: 0 }), held: null })),
    held: [],
    archived: sum([...wentBy.values()].map(({ events }) => events)),
    segments: new Set(archived.map(({ segment }) => segment)).size,
    removed: sum(own.map((entry) => (entry.type === "retention.removed" ? entry.data.events : 0))),
    forgotten: sum(own.map((entry) => (entry.type === "retention.forgotten" ? entry.data.streams.length : 0))),
    owed: null,
  };
}

function goneByType(archived: readonly Archived[]): ReadonlyMap<string, { readonly events: number; readonly entities: number }> {
  const went = new Map<string, { events: number; readonly streams: Set<string> }>();
  for (const { streams } of archived)
    for (const [stream, first, before] of streams) {
      const type = parseStreamName(stream)!.entity.type;
      const known = went.get(type) ?? { events: 0, streams: new Set() };
      went.set(type, known);
      known.events += before - first;
      known.streams.add(stream);
    }
  return new Map(Array.from(went, ([type, { events, streams }]) => [type, { events, entities: streams.size }]));
}
