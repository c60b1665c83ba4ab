import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import type { Json, NewEvent, StoredEvent } from "../../src/event/event.ts";
import { handlerStream, journalStream, parseStreamName } from "../../src/event/names.ts";
import { partitionOf } from "../../src/event/partition-of.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import type { AttemptRecord } from "../../src/records/attempt.ts";
import type { AttachedLane, JournalData, JournalEvent } from "../../src/records/journal.ts";
import type { DeliveryStatus } from "../../src/views/model/delivery.ts";
import type { ShownLaneState } from "../../src/views/model/entity.ts";

const placed = defineEvent("order.placed", { 1: z.object({ total: z.number() }), 2: z.object({ totalCents: z.int() }) }, { formerly: ["order.created"] });
const paid = defineEvent("order.paid", { 1: z.object({ total: z.number() }) });
const noted = defineEvent("order.noted", { 1: z.object({ total: z.number() }) });
export const ordersCatalog = makeCatalog({
  events: [placed, paid, noted],
  upcasters: [defineUpcasters(placed, { 1: ({ total }) => ({ totalCents: Math.round(total * 100) }) })],
});

export interface HandlerSetup {
  readonly name: string;
  readonly ordering: "strict" | "relaxed";
  readonly types: readonly string[];
  /** Wants only what comes after its first configuration. */
  readonly fromNow: boolean;
  /** Default 1. */
  readonly partitions?: number;
}

/** Whole numbers below `n`, the same for the same seed (mulberry32). */
export type Dice = (n: number) => number;

export function makeDice(seed: number): Dice {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}

interface ModelLane {
  next: number;
  at: bigint;
  detached: boolean;
  newerBuild: boolean;
  retrying: boolean;
  /** An operator said that it retries now. */
  due: boolean;
  paused: boolean;
  attempts: number;
  readonly letters: Map<number, { replayId: string | null; escalated: boolean }>;
}

/** What the owner of one partition has not written yet, and how far it has looked. */
interface ModelPartition {
  scanned: bigint;
  facts: JournalEvent[];
  completed: NonNullable<JournalData["progress"]["completed"]>[number][];
  changed: Set<string>;
}

interface ModelHandler extends HandlerSetup {
  since: bigint;
  configured: boolean;
  readonly parts: readonly ModelPartition[];
  lanes: Map<string, ModelLane>;
  outcomes: Map<string, DeliveryStatus>;
  attempts: Map<string, number>;
}

/**
 * A log with plausible journals, and what is true of every delivery, kept apart from any fold: statuses are set as outcomes happen.
 * Facts become journal entries by `flush`; until then `statusOf` is ahead of the log.
 *
 * @param others tenants with an event now and then; nearly all are of the tenant `default`.
 */
export function makeHistory(log: EventLog, dice: Dice, setups: readonly HandlerSetup[], others: readonly string[] = ["mill"]) {
  const events: StoredEvent[] = [];
  const handlers = setups.map(
    (setup): ModelHandler => ({
      ...setup,
      since: 0n,
      configured: false,
      parts: Array.from({ length: setup.partitions ?? 1 }, () => ({ scanned: 0n, facts: [], completed: [], changed: new Set<string>() })),
      lanes: new Map(),
      outcomes: new Map(),
      attempts: new Map(),
    }),
  );
  let made = 0;
  const id = () => `00000000-0000-4000-8000-${String(++made).padStart(12, "0")}`;
  const pick = <T>(of: readonly T[]): T => of[dice(of.length)]!;
  const key = ({ stream, revision }: Pick<StoredEvent, "stream" | "revision">) => `${stream}\n${revision}`;

  const partOf = ({ parts }: ModelHandler, stream: string): ModelPartition => parts[partitionOf(stream, parts.length)]!;
  const journalOf = ({ name, parts }: ModelHandler, part: ModelPartition) => journalStream(name, parts.length, parts.indexOf(part));
  const fact = (handler: ModelHandler, event: Extract<JournalEvent, { readonly data: { readonly lane: string } }>) =>
    partOf(handler, event.data.lane).facts.push(event);

  async function store(
    stream: string,
    entries: readonly { readonly type: string; readonly data: unknown; readonly schemaVersion?: number; readonly source?: string }[],
  ) {
    const fresh = entries.map(
      ({ type, data, schemaVersion = 1, source = null }): NewEvent => ({
        id: id(),
        type,
        schemaVersion,
        source: source ?? (stream.startsWith("reprise.") ? "reprise" : null),
        occurredAt: null,
        data: data as Json,
        metadata: { priority: "normal", ...(dice(3) === 0 ? { correlationId: `flow-${dice(4)}` } : {}) },
      }),
    );
    await log.append(stream, fresh, "any");
    const found = await log.findByIds(
      parseStreamName(stream)!.tenant,
      fresh.map((event) => event.id),
    );
    return found.toSorted((a, b) => a.revision - b.revision);
  }

  async function append(): Promise<void> {
    const stream = `${dice(8) === 0 ? pick(others) : "default"}.${pick(["order", "order", "cart"])}-${dice(4)}`;
    const fresh = Array.from({ length: 1 + dice(3) }, () => {
      const type = pick(["order.placed", "order.created", "order.paid", "order.noted", "order.unknown"]);
      const schemaVersion = type === "order.placed" ? 1 + dice(2) : 1;
      return { type, schemaVersion, data: schemaVersion === 2 ? { totalCents: dice(1000) } : { total: dice(10) }, source: pick(["shop", "agent"]) };
    });
    events.push(...(await store(stream, fresh)));
  }

  const wants = (handler: ModelHandler, event: StoredEvent) =>
    handler.configured && handler.types.includes(ordersCatalog.resolve(event.type) ?? "") && event.position > handler.since;

  /** Not done, and no dead letter. */
  const isOpen = (handler: ModelHandler, event: StoredEvent) => {
    const status = handler.outcomes.get(key(event));
    return status === undefined || (status === "failed" && !handler.lanes.get(event.stream)?.letters.has(event.revision));
  };
  const lettersOf = (handler: ModelHandler) =>
    [...handler.lanes].flatMap(([stream, lane]) => [...lane.letters.keys()].map((revision) => ({ stream, lane, revision })));
  const isBlocked = (handler: ModelHandler, lane: ModelLane) => lane.newerBuild || (handler.ordering === "strict" && lane.letters.size > 0);

  async function configure(handler: ModelHandler): Promise<void> {
    if (!handler.configured && handler.fromNow) handler.since = await log.head();
    handler.configured = true;
    await store(handlerStream(handler.name), [
      {
        type: "handler.configured",
        data: {
          types: Object.fromEntries(handler.types.map((type) => [type, handler.since.toString()])),
          // The first builds did not name them.
          ...(made % 6 === 0 ? {} : { stored: Object.fromEntries(ordersCatalog.candidates(handler.types).map((type) => [type, handler.since.toString()])) }),
          ordering: handler.ordering,
          start: handler.fromNow ? "now" : "beginning",
          partitions: handler.parts.length,
          journal: journalStream(handler.name, handler.parts.length, 0),
          endpoint: null,
        },
      },
    ]);
  }

  function laneOf(handler: ModelHandler, stream: string): ModelLane {
    let lane = handler.lanes.get(stream);
    if (lane === undefined) {
      const first = events.find((event) => event.stream === stream && wants(handler, event));
      lane = {
        next: first?.revision ?? 0,
        at: 0n,
        detached: false,
        newerBuild: false,
        retrying: false,
        due: false,
        paused: false,
        attempts: 0,
        letters: new Map(),
      };
      handler.lanes.set(stream, lane);
    }
    return lane;
  }

  function record(attempt: number, outcome: "completed" | "failed", replayId?: string): AttemptRecord {
    return {
      attempt,
      startedAt: "2026-01-01T00:00:00.000Z",
      durationMs: 5,
      outcome,
      class: outcome === "failed" ? "transient" : null,
      error: outcome === "failed" ? { type: "Error", message: `no ${dice(3)}` } : null,
      ...(replayId === undefined ? {} : { replayId }),
    };
  }

  const about = (event: StoredEvent) => ({ lane: event.stream, revision: event.revision, at: event.position.toString(), eventId: event.id });
  /** With how the log has the event of a failure. */
  const aboutFailed = (event: StoredEvent) => ({ ...about(event), type: event.type, schemaVersion: event.schemaVersion });

  function detach(handler: ModelHandler, stream: string, why: JournalData["lane.detached"]["why"]): void {
    const lane = laneOf(handler, stream);
    lane.detached = true;
    fact(handler, { type: "lane.detached", data: { lane: stream, next: lane.next, at: lane.at.toString(), why } });
  }

  function advance(handler: ModelHandler, lane: ModelLane, stream: string, next: number, at: bigint): void {
    lane.next = Math.max(lane.next, next);
    if (at > lane.at) lane.at = at;
    lane.retrying = false;
    lane.newerBuild = false;
    lane.attempts = 0;
    partOf(handler, stream).changed.add(stream);
  }

  /** Looks at more of the log. */
  function scan(handler: ModelHandler): void {
    const last = events.at(-1)?.position ?? 0n;
    const part = anyPart(handler);
    const to = part.scanned + BigInt(1 + dice(12));
    part.scanned = to < last ? to : last > part.scanned ? last : part.scanned;
  }

  /** The next wanted event of a lane that is free to run one. */
  function nextOf(handler: ModelHandler, stream: string): StoredEvent | undefined {
    const lane = handler.lanes.get(stream);
    if (lane && (lane.paused || isBlocked(handler, lane))) return undefined;
    return events.find(
      (event) =>
        event.stream === stream &&
        wants(handler, event) &&
        isOpen(handler, event) &&
        (event.position <= partOf(handler, stream).scanned || lane?.detached === true),
    );
  }

  function deliver(handler: ModelHandler): void {
    const streams = [...new Set(events.map(({ stream }) => stream))].filter((stream) => nextOf(handler, stream));
    if (streams.length === 0) return;
    const stream = pick(streams);
    const event = nextOf(handler, stream)!;
    const lane = laneOf(handler, stream);
    lane.next = Math.max(lane.next, event.revision);
    const attempt = (handler.attempts.get(key(event)) ?? 0) + 1;
    const outcome = dice(20);
    if (outcome < 10) {
      if (lane.retrying && dice(4) > 0) partOf(handler, stream).completed.push({ ...about(event), record: record(attempt, "completed") });
      handler.attempts.set(key(event), attempt);
      handler.outcomes.set(key(event), "completed");
      advance(handler, lane, stream, event.revision + 1, event.position);
    } else if (outcome < 13) {
      fact(handler, { type: "delivery.failed", data: { ...aboutFailed(event), record: record(attempt, "failed"), retryAt: "2026-01-01T00:01:00.000Z" } });
      handler.attempts.set(key(event), attempt);
      handler.outcomes.set(key(event), "failed");
      Object.assign(lane, { detached: true, retrying: true, due: false, attempts: attempt, next: event.revision });
    } else if (outcome < 14) {
      fact(handler, { type: "delivery.deferred", data: { ...about(event), record: record(attempt, "failed"), until: "2026-01-01T00:02:00.000Z" } });
      handler.outcomes.set(key(event), "failed");
      Object.assign(lane, { detached: true, retrying: true, due: false, attempts: attempt - 1, next: event.revision });
    } else if (outcome < 17) {
      fact(handler, {
        type: "delivery.dead_lettered",
        data: {
          ...aboutFailed(event),
          attempts: attempt,
          retryCount: attempt,
          cause: "exhausted",
          error: { type: pick(["Error", "TypeError"]), message: `broken ${dice(3)}` },
          chain: "c",
          escalated: outcome === 16,
          record: record(attempt, "failed"),
        },
      });
      handler.attempts.set(key(event), attempt);
      handler.outcomes.set(key(event), outcome === 16 ? "escalated" : "dead_lettered");
      lane.letters.set(event.revision, { replayId: null, escalated: outcome === 16 });
      lane.detached = true;
      advance(handler, lane, stream, event.revision + 1, event.position);
    } else if (outcome < 18) {
      fact(handler, {
        type: "delivery.settled",
        data: { ...aboutFailed(event), outcome: "skipped", cause: "exhausted", act: { actor: "policy", reason: null }, record: record(attempt, "failed") },
      });
      handler.attempts.set(key(event), attempt);
      handler.outcomes.set(key(event), "skipped");
      advance(handler, lane, stream, event.revision + 1, event.position);
    } else if (outcome < 19 && handler.outcomes.get(key(event)) === undefined) {
      detach(handler, stream, "newer_build");
      lane.newerBuild = true;
    } else if (lane.detached && handler.outcomes.get(key(event)) === undefined) {
      fact(handler, { type: "lane.gap", data: { lane: stream, from: event.revision, to: event.revision, why: "missing" } });
      handler.outcomes.set(key(event), "skipped");
      advance(handler, lane, stream, event.revision + 1, 0n);
    }
  }

  /** A dead letter, the lane's first where order is strict, is delivered again, or discarded. */
  function resolve(handler: ModelHandler, asked: string): void {
    const letters = lettersOf(handler).filter(({ lane, revision }) => handler.ordering === "relaxed" || revision === Math.min(...lane.letters.keys()));
    if (letters.length === 0) return;
    const { stream, lane, revision } = pick(letters);
    const letter = lane.letters.get(revision)!;
    const event = events.find((each) => each.stream === stream && each.revision === revision)!;
    if (letter.escalated && letter.replayId === null && dice(2) === 0) {
      fact(handler, { type: "delivery.decided", data: { ...about(event), decision: "approved", runId: id(), act: { actor: "ann", reason: "seen" } } });
      handler.outcomes.set(key(event), "dead_lettered");
      letter.escalated = false;
      return;
    }
    const replayId = letter.replayId ?? asked;
    const attempt = (handler.attempts.get(key(event)) ?? 0) + 1;
    const outcome = dice(6);
    if (outcome === 0) {
      fact(handler, {
        type: "delivery.failed",
        data: { ...aboutFailed(event), record: record(attempt, "failed", replayId), retryAt: "2026-01-01T00:01:00.000Z" },
      });
      handler.attempts.set(key(event), attempt);
      handler.outcomes.set(key(event), "failed");
      letter.replayId = replayId;
      return;
    }
    if (outcome === 1) {
      fact(handler, {
        type: "delivery.dead_lettered",
        data: {
          ...aboutFailed(event),
          attempts: attempt,
          retryCount: 1,
          cause: "terminal",
          error: { type: "Error", message: "still broken" },
          chain: "c",
          escalated: false,
          record: record(attempt, "failed", replayId),
          replayId,
        },
      });
      handler.attempts.set(key(event), attempt);
      handler.outcomes.set(key(event), "dead_lettered");
      Object.assign(letter, { replayId: null, escalated: false });
      lane.detached = true;
      return;
    }
    const discarded = outcome === 2 && letter.replayId === null;
    fact(handler, {
      type: "delivery.settled",
      data: {
        ...about(event),
        outcome: discarded ? "discarded" : "replayed",
        cause: null,
        act: discarded ? { actor: "ann", reason: "not needed" } : { actor: "ann", reason: null, replayId },
        record: discarded ? null : record(attempt, "completed", replayId),
      },
    });
    if (!discarded) handler.attempts.set(key(event), attempt);
    handler.outcomes.set(key(event), discarded ? "discarded" : "replayed");
    lane.letters.delete(revision);
  }

  /** A detached lane that has caught up is fed by the subscription again; an attached one may become slow. */
  function change(handler: ModelHandler): void {
    const lanes = [...handler.lanes].filter(([, lane]) => !lane.paused && !isBlocked(handler, lane) && !lane.retrying);
    if (lanes.length === 0) return;
    const [stream, lane] = pick(lanes);
    if (!lane.detached) {
      detach(handler, stream, "slow");
      return;
    }
    const open = events.some((event) => event.stream === stream && wants(handler, event) && isOpen(handler, event));
    if (open) return;
    lane.detached = false;
    const last = events.findLast((event) => event.stream === stream);
    if (last && last.position <= partOf(handler, stream).scanned) lane.next = Math.max(lane.next, last.revision + 1);
    fact(handler, { type: "lane.attached", data: { lane: stream, at: lane.at.toString() } });
    partOf(handler, stream).changed.add(stream);
  }

  /** Pauses a lane, resumes it, or has it retry now. */
  function operate(handler: ModelHandler): void {
    const act = { actor: "ann", reason: pick(["look first", null]) };
    const streams = [...new Set(events.filter((event) => wants(handler, event)).map(({ stream }) => stream))];
    if (streams.length === 0) return;
    const stream = pick(streams);
    const lane = laneOf(handler, stream);
    if (lane.paused) {
      lane.paused = false;
      fact(handler, { type: "lane.resumed", data: { lane: stream, act } });
    } else if (lane.retrying && dice(2) === 0) {
      lane.due = true;
      fact(handler, { type: "lane.retried", data: { lane: stream, act } });
    } else {
      Object.assign(lane, { paused: true, detached: true });
      fact(handler, { type: "lane.paused", data: { lane: stream, next: lane.next, at: lane.at.toString(), before: "flowing", act } });
      partOf(handler, stream).changed.add(stream);
    }
  }

  function checkpointOf(handler: ModelHandler, part: ModelPartition): bigint {
    const first = events.find(
      (event) =>
        partOf(handler, event.stream) === part &&
        wants(handler, event) &&
        event.position <= part.scanned &&
        isOpen(handler, event) &&
        !handler.lanes.get(event.stream)?.detached,
    );
    return first === undefined ? part.scanned : first.position - 1n;
  }

  async function flush(handler: ModelHandler, part: ModelPartition): Promise<void> {
    const checkpoint = checkpointOf(handler, part);
    const ahead = [...part.changed].flatMap((stream) => {
      const lane = laneOf(handler, stream);
      const isNews = lane.detached || lane.letters.size > 0 || lane.at > checkpoint; // of others the checkpoint says enough
      return isNews ? [[stream, lane.next, lane.at.toString()] as const] : [];
    });
    const { attached, facts } = dice(3) === 0 ? { attached: [], facts: part.facts } : inLists(part.facts);
    const progress: JournalData["progress"] = {
      checkpoint: checkpoint.toString(),
      ahead,
      ...(part.completed.length > 0 ? { completed: part.completed } : {}),
      ...(attached.length > 0 ? { attached } : {}),
    };
    await store(journalOf(handler, part), [...facts, { type: "progress", data: progress }]);
    part.facts = [];
    part.completed = [];
    part.changed.clear();
  }

  /** Everything known is in the log after it. Letters under a replay go back to being plain ones. */
  async function claim(handler: ModelHandler, part: ModelPartition): Promise<void> {
    await flush(handler, part);
    await store(journalOf(handler, part), [{ type: "partition.claimed", data: { owner: "o", build: "b", catalog: "c", readAhead: 4096 } }]);
    for (const [stream, lane] of handler.lanes) {
      if (partOf(handler, stream) !== part) continue;
      lane.newerBuild = false;
      for (const letter of lane.letters.values()) letter.replayId = null;
    }
    for (const { stream, lane, revision } of lettersOf(handler))
      if (partOf(handler, stream) === part && handler.outcomes.get(`${stream}\n${revision}`) === "failed")
        handler.outcomes.set(`${stream}\n${revision}`, lane.letters.get(revision)!.escalated ? "escalated" : "dead_lettered");
  }

  const anyPart = ({ parts }: ModelHandler): ModelPartition => (parts.length === 1 ? parts[0]! : pick(parts));

  async function step(): Promise<void> {
    const handler = pick(handlers);
    const act = dice(26);
    if (act < 6) await append();
    else if (!handler.configured) {
      if (act < 9) await configure(handler);
    } else if (act < 9) scan(handler);
    else if (act < 16) deliver(handler);
    else if (act < 18) {
      const replayId = id(); // some letters of one replay in a row
      for (let letters = 1 + dice(3); letters > 0; letters--) resolve(handler, replayId);
    } else if (act < 20) change(handler);
    else if (act < 22) await flush(handler, anyPart(handler));
    else if (act < 23) await claim(handler, anyPart(handler));
    else if (act < 25) operate(handler);
    else await configure(handler);
  }

  return {
    events,
    handlers,
    step,
    wants,
    flushAll: async () => {
      for (const handler of handlers) if (handler.configured) for (const part of handler.parts) await flush(handler, part);
    },
    statusOf(handler: ModelHandler, event: StoredEvent): DeliveryStatus {
      const outcome = handler.outcomes.get(key(event));
      if (outcome !== undefined) return outcome;
      const lane = handler.lanes.get(event.stream);
      return lane !== undefined && (lane.paused || isBlocked(handler, lane)) ? "held" : "pending";
    },
    laneStateOf(handler: ModelHandler, stream: string): ShownLaneState {
      const lane = handler.lanes.get(stream);
      if (lane === undefined) return "flowing";
      if (lane.paused) return "paused";
      if (isBlocked(handler, lane)) return "blocked";
      if (lane.retrying && !lane.due) return "backing_off";
      return lane.detached ? "behind" : "flowing";
    },
  };
}

export type History = ReturnType<typeof makeHistory>;

/** Lanes that came back to the subscription, and no later fact is about them: as this build records them. The first builds had an event for each. */
function inLists(facts: readonly JournalEvent[]): { readonly attached: readonly AttachedLane[]; readonly facts: readonly JournalEvent[] } {
  const isLast = ({ lane }: JournalData["lane.attached"], place: number) =>
    facts.slice(place + 1).every(({ data }) => (data as { readonly lane?: string }).lane !== lane);
  const attached: AttachedLane[] = [];
  const others = facts.filter((fact, place) => {
    if (fact.type !== "lane.attached" || !isLast(fact.data, place)) return true;
    attached.push([fact.data.lane, fact.data.at]);
    return false;
  });
  return { attached, facts: joined(others) };
}

/** Dead letters that one replay delivered one after another, as they are recorded beside others: a lone one as the first builds did, or as a list of one. */
function joined(facts: readonly JournalEvent[]): readonly JournalEvent[] {
  const all: JournalEvent[] = [];
  for (const fact of facts.map(asReplayed)) {
    const last = all.at(-1);
    if (fact.type === "letters.replayed" && last?.type === "letters.replayed" && last.data.act.replayId === fact.data.act.replayId)
      all[all.length - 1] = { type: "letters.replayed", data: { act: last.data.act, letters: [...last.data.letters, ...fact.data.letters] } };
    else all.push(fact);
  }
  return all;
}

function asReplayed(fact: JournalEvent): JournalEvent {
  if (fact.type !== "delivery.settled" || fact.data.outcome !== "replayed") return fact;
  const { lane, revision, at, eventId, act, record } = fact.data;
  return { type: "letters.replayed", data: { act, letters: [[lane, revision, at, eventId, "dead_lettered", record, null]] } };
}
