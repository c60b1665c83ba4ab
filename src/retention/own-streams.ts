/**
 * Streams of Reprise's own that nobody needs any more: plans that expired or whose replay ended, replays that ended, and effects of events that left the log.
 * They go after the longest time of all rules.
 */
import { LRUCache } from "lru-cache";
import type { StoredEvent } from "../event/event.ts";
import { isReplayStream, ownTenant, planStream, replayStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { EffectsStreamData } from "../records/effects.ts";
import type { PlanStreamData } from "../records/plan.ts";

type Ended = readonly [stream: string, before: number];

const planPrefix = planStream("");
const effectsPrefix = `${ownTenant}.effects-`;
const prefixes = [planPrefix, replayStream(""), effectsPrefix];
/** Entities whose first event is remembered. */
const knownEntities = 10_000;

interface Plan {
  before: number;
  expiresMs: number;
  usedFor: string | null;
}

/** @param untilMs what ended before may go. */
export async function* endedStreams(log: EventLog, untilMs: number, signal: AbortSignal): AsyncGenerator<readonly Ended[], void> {
  const plans = new Map<string, Plan>();
  const replays = new Map<string, number>();
  /** A server keeps the last event of a stream that was shortened: such a stream is done with. */
  const whole = new Set<string>();
  const gone = makeGone(log);
  for await (const batch of log.readAll({ filter: { streamPrefixes: prefixes }, signal })) {
    const effects: Ended[] = [];
    for (const event of batch) {
      if (event.source !== "reprise" || event.damage !== undefined) continue;
      const isFirst = event.revision === 0;
      if (isFirst && !event.stream.startsWith(effectsPrefix)) whole.add(event.stream);
      if (event.stream.startsWith(planPrefix)) seePlan(plans, event);
      else if (isReplayStream(event.stream)) {
        if (event.type === "replay.ended" && whole.has(event.stream) && Date.parse(event.recordedAt) < untilMs) replays.set(event.stream, event.revision + 1);
      } else if (event.type === "effect.recorded" && isFirst && Date.parse(event.recordedAt) < untilMs) {
        const { lane, revision } = event.data as unknown as EffectsStreamData["effect.recorded"];
        if (await gone(lane, revision)) effects.push([event.stream, (await log.streamRevision(event.stream)) + 1]);
      }
    }
    if (effects.length > 0) yield effects;
  }
  // Plans first: one that is there says that its replay was begun.
  const over: Ended[] = [];
  for (const [stream, { before, expiresMs, usedFor }] of plans)
    if (whole.has(stream) && (usedFor === null ? expiresMs < untilMs : replays.has(usedFor))) over.push([stream, before]);
  for (const one of replays) over.push(one);
  if (over.length > 0) yield over;
}

function seePlan(plans: Map<string, Plan>, { stream, type, data, revision, recordedAt }: StoredEvent): void {
  const plan = plans.get(stream) ?? { before: 0, expiresMs: Date.parse(recordedAt), usedFor: null };
  plans.set(stream, plan);
  plan.before = revision + 1;
  if (type === "plan.made") plan.expiresMs = Date.parse((data as unknown as PlanStreamData["plan.made"]).expiresAt);
  else if (type === "plan.used") plan.usedFor = replayStream((data as unknown as PlanStreamData["plan.used"]).job.replayId);
}

/** Whether the log no longer has an event. */
function makeGone(log: EventLog): (stream: string, revision: number) => Promise<boolean> {
  const firsts = new LRUCache<string, number>({ maxSize: knownEntities, sizeCalculation: () => 1 }); // with `max` it takes all the room at once
  return async (stream, revision) => {
    let first = firsts.get(stream);
    if (first === undefined) {
      for await (const [event] of log.readStream(stream, { limit: 1, damaged: "given" })) first = event!.revision;
      first ??= (await log.streamRevision(stream)) + 1;
      firsts.set(stream, first);
    }
    return revision < first;
  };
}
