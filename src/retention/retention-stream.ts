/**
 * The stream `reprise.retention`. Each append expects the one before it, so a run that another one has put out writes nothing more: what it has archived, the
 * other one finds in the archive.
 */
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { NewId } from "../event/ids.ts";
import { retentionStream } from "../event/names.ts";
import { pause } from "../event/waits.ts";
import type { EventLog } from "../log/event-log.ts";
import { ownEvent } from "../records/own-event.ts";
import type { RetentionFloors, RetentionStreamData } from "../records/retention.ts";
import { RecordedEvents } from "./recorded-events.ts";

type Data = RetentionStreamData;
export type RetentionEntry = { readonly [Type in keyof Data]: { readonly type: Type; readonly data: Data[Type] } }[keyof Data];

/** What earlier runs have left. */
export interface LeftBehind {
  /** Recorded as archived or forgotten, and perhaps not removed yet. */
  readonly toRemove: readonly RetentionEntry[];
  readonly lastEnd: Data["retention.ended"] | null;
  /** As the last run that came to its end has left them, and what was recorded since. */
  readonly segments: NonNullable<RetentionFloors["segments"]>;
  readonly recorded: RecordedEvents;
}

export interface RetentionStream {
  /** Makes this run the only one. @throws RETENTION_RUNNING while another process is at it. */
  begin(data: Data["retention.begun"], signal: AbortSignal): Promise<LeftBehind>;
  /** @throws RETENTION_RUNNING when another run has taken over. */
  record(...entries: readonly RetentionEntry[]): Promise<void>;
  /** What a run would find; changes nothing. */
  look(): Promise<LeftBehind & { readonly isRunning: boolean; readonly runId: string | null }>;
}

/** A process that shows no sign of life for so long, and writes nothing, is gone. */
const patienceMs = 30_000;
const lookEveryMs = 2000;
/** Records of one append: one may name 64 streams, and a commit of many holds up the appends beside it. */
const recordsAtOnce = 4;
/** Signs of life of whoever runs, on a log that several processes may write. */
export const runner = "retention";

export function makeRetentionStream({ log, clock, newId }: { readonly log: EventLog; readonly clock: Clock; readonly newId: NewId }): RetentionStream {
  let revision = -1;

  async function look() {
    const toRemove: RetentionEntry[] = [];
    let lastEnd: Data["retention.ended"] | null = null;
    let isRunning: boolean | null = null;
    let life: string | null = null;
    let runId: string | null = null;
    let removed = false;
    let segments: LeftBehind["segments"] | null = null;
    const recorded = new RecordedEvents();
    revision = -1;
    for await (const batch of log.readStream(retentionStream, { direction: "backward" })) {
      for (const event of batch) {
        revision = Math.max(revision, event.revision);
        const { type, data } = event as unknown as RetentionEntry;
        isRunning ??= type !== "retention.ended";
        runId ??= data.runId;
        if (type === "retention.begun") life ??= data.life;
        else if (type === "retention.ended") {
          lastEnd ??= data;
          if (data.status === "completed") segments ??= data.floors?.segments ?? null;
        } else if (type === "retention.removed") removed = true;
        else if (!removed) toRemove.unshift({ type, data } as RetentionEntry);
        if (type === "retention.archived" && segments === null) recorded.add(data);
      }
      if (removed && segments !== null) break;
    }
    return { toRemove, lastEnd, segments: segments ?? {}, recorded, isRunning: isRunning ?? false, life, runId };
  }

  async function record(...entries: readonly RetentionEntry[]): Promise<void> {
    try {
      for (let from = 0; from < entries.length; from += recordsAtOnce) {
        const events = entries.slice(from, from + recordsAtOnce).map(({ type, data }) => ownEvent(newId, type, data));
        revision = (await log.append(retentionStream, events, revision === -1 ? "none" : revision)).at(-1)!.revision;
      }
    } catch (error) {
      if (!isRepriseError(error, "REVISION_CONFLICT")) throw error;
      throw new RepriseError("RETENTION_RUNNING", "Another run has taken over.", { cause: error });
    }
  }

  /** One process owns an embedded log, so whoever ran there is gone. On a server others may be at work. */
  async function mustBeOver(signal: AbortSignal): Promise<void> {
    const { beats } = log;
    if (beats === undefined) return;
    const seen = async () => `${await beats.last(runner)} ${await log.streamRevision(retentionStream)}`;
    const before = await seen();
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += lookEveryMs) {
      await pause(lookEveryMs, clock, signal);
      signal.throwIfAborted();
      if ((await seen()) !== before) throw new RepriseError("RETENTION_RUNNING", "Another process archives events of this log just now.");
    }
  }

  return {
    look,
    record,
    async begin(data, signal) {
      const { isRunning, life } = await look();
      if (isRunning && life !== data.life) await mustBeOver(signal);
      const left = await look();
      await record({ type: "retention.begun", data });
      return left;
    },
  };
}
