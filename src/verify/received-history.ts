/** A receiver's own record of what it was sent, line by line as NDJSON, and what `reprise verify` makes of it. docs/verifying.md has the format. */
import { checkLane, type HistoryCall } from "./history.ts";

export interface ReceivedOptions {
  readonly ordering: "strict" | "relaxed";
}

export interface ReceivedFindings {
  readonly calls: number;
  readonly deliveries: number;
  /** Of handler, tenant and entity. */
  readonly lanes: number;
  /** Deliveries that some call completed; null when the record has no statuses. */
  readonly completed: number | null;
  /** Calls of a delivery whose last call had completed, or was cut off. */
  readonly repeats: number;
  readonly replayed: number;
  /** The checks that were impossible, because the record lacks a member. */
  readonly notChecked: readonly string[];
  /** The first 100, each with its lane. */
  readonly violations: readonly string[];
  readonly violationsTotal: number;
}

/** A line of the record that cannot be read. `message` says why. */
export class RecordUnreadable extends Error {
  override readonly name = "RecordUnreadable";
}

const maxLines = 5_000_000;
const shownViolations = 100;

type Members = Readonly<Record<string, unknown>>;

interface Call extends HistoryCall {
  readonly eventId: string;
}

/** Takes the lines of one record in the order in which they were written, then judges it. Keeps a line's few facts, never its data. */
export class ReceivedHistory {
  readonly #options: ReceivedOptions;
  readonly #lanes = new Map<string, Call[]>();
  readonly #settled = new Set<string>();
  readonly #crashes: number[] = [];
  readonly #eventOf = new Map<string, string>();
  readonly #violations: string[] = [];
  #violationsTotal = 0;
  #lines = 0;
  #calls = 0;
  /** Whether calls have times (as a line's number otherwise), ends, outcomes: all of them, or none. */
  readonly #has = { time: new Set<boolean>(), end: 0, status: 0 };

  constructor(options: ReceivedOptions) {
    this.#options = options;
  }

  /** @throws RecordUnreadable */
  add(line: string): void {
    if (line.trim() === "") return;
    if (++this.#lines > maxLines) throw new RecordUnreadable(`there are more than ${maxLines} lines: verify entities apart from each other`);
    const members = objectOf(parse(line), "the line");
    if (members.settled !== undefined) this.#settled.add(textOf(members.settled, "settled"));
    else if (members.crashed_at !== undefined) this.#crashes.push(timeOf(members.crashed_at, "crashed_at")!);
    else this.#addCall(members);
  }

  #addCall(members: Members): void {
    const nested = members.event ?? members.body;
    const event = nested === undefined ? members : objectOf(typeof nested === "string" ? parse(nested) : nested, "event");
    const deliveryId = textOf(event.deliveryid ?? members.deliveryid, "deliveryid");
    const eventId = textOf(event.id, "id");
    const startedAt = timeOf(members.received_at, "received_at");
    const endedAt = members.ended_at === null ? null : timeOf(members.ended_at, "ended_at");
    if (startedAt !== undefined && endedAt != null && endedAt < startedAt) throw new RecordUnreadable("ended_at is before received_at");
    this.#has.time.add(startedAt !== undefined);
    if (this.#has.time.size > 1) throw new RecordUnreadable("received_at is on some lines and not on others: a record has it on all, or on none");
    if (endedAt !== undefined) this.#has.end++;
    const outcome = outcomeOf(members.status);
    if (outcome !== undefined) this.#has.status++;
    const lane = JSON.stringify([members.handler ?? "", event.tenant ?? "default", textOf(event.subject, "subject")]);
    const call: Call = {
      revision: countOf(event.revision, "revision"),
      part: event.partindex === undefined ? 0 : countOf(event.partindex, "partindex"),
      attempt: event.attempt === undefined ? null : countOf(event.attempt, "attempt"),
      deliveryId,
      replayId: event.replayid === undefined ? null : textOf(event.replayid, "replayid"),
      startedAt: startedAt ?? this.#lines,
      endedAt: startedAt === undefined ? undefined : endedAt,
      outcome,
      eventId,
    };
    const owner = this.#eventOf.get(deliveryId);
    if (owner === undefined) this.#eventOf.set(deliveryId, eventId);
    else if (owner !== eventId) this.#violate(lane, `delivery id ${deliveryId} stands for two events, ${owner} and ${eventId}`);
    const calls = this.#lanes.get(lane);
    if (calls === undefined) this.#lanes.set(lane, [call]);
    else calls.push(call);
    this.#calls++;
  }

  judge(): ReceivedFindings {
    const crashes = this.#crashes.length === 0 ? null : this.#crashes.toSorted((a, b) => a - b).map((at) => ({ at, next: Number.NEGATIVE_INFINITY }));
    let repeats = 0;
    let replayed = 0;
    const completed = new Set<string>();
    for (const [lane, calls] of this.#lanes) {
      for (const { outcome, deliveryId, replayId } of calls) {
        if (outcome === "completed") completed.add(deliveryId);
        if (replayId !== null) replayed++;
      }
      this.#checkOneAtATime(lane, calls);
      for (const sequence of sequencesOf(calls)) {
        const found = checkLane(
          sequence.map((call) => ({ ...call, endedAt: undefined })), // judged above, over all of them
          { ordering: this.#options.ordering, isOver: ({ deliveryId }) => this.#settled.has(deliveryId), crashes, log: null },
        );
        repeats += found.repeats;
        for (const what of found.broken) this.#violate(lane, `revision ${what}`);
      }
    }
    return {
      calls: this.#calls,
      deliveries: this.#eventOf.size,
      lanes: this.#lanes.size,
      completed: this.#has.status === 0 ? null : completed.size,
      repeats,
      replayed,
      notChecked: this.#notChecked(),
      violations: this.#violations,
      violationsTotal: this.#violationsTotal,
    };
  }

  /** Over live calls and replays of every kind: an entity has one at a time. */
  #checkOneAtATime(lane: string, calls: readonly Call[]): void {
    let before: (Call & { readonly endedAt: number }) | undefined; // of those so far the one that ends last
    for (const call of calls.toSorted((a, b) => a.startedAt - b.startedAt)) {
      const { startedAt } = before ?? call;
      const afterCrash = this.#crashes.some((at) => startedAt <= at && at <= call.startedAt); // what the receiver still did for a dead process
      if (before !== undefined && before.endedAt > call.startedAt && !afterCrash)
        this.#violate(lane, `revision ${call.revision} began while ${before.revision} ran`);
      const { endedAt } = call;
      if (endedAt != null && endedAt >= (before?.endedAt ?? endedAt)) before = { ...call, endedAt };
    }
  }

  #notChecked(): readonly string[] {
    const missing: string[] = [];
    if (this.#calls === 0) return missing;
    if (this.#has.status < this.#calls) missing.push("that nothing started above a failed call: not every line has `status`");
    if (this.#has.end < this.#calls || this.#has.time.has(false))
      missing.push("that an entity had one call at a time: not every line has `received_at` and `ended_at`");
    return missing;
  }

  #violate(lane: string, what: string): void {
    this.#violationsTotal++;
    if (this.#violations.length >= shownViolations) return;
    const [handler, tenant, subject] = JSON.parse(lane) as [string, string, string];
    const where = [...(handler === "" ? [] : [handler]), ...(tenant === "default" ? [] : [tenant]), subject].join(" ");
    this.#violations.push(`${where}: ${what}`);
  }
}

/**
 * The sequences that a lane's calls make: live ones with the replays of their dead letters, and each replay's own deliveries (of history, or to this
 * handler instead of another), which have ids of their own.
 */
function sequencesOf(calls: readonly Call[]): Iterable<readonly Call[]> {
  const live = new Set(calls.flatMap(({ deliveryId, replayId }) => (replayId === null ? [deliveryId] : [])));
  return Map.groupBy(calls, ({ deliveryId, replayId }) => (live.has(deliveryId) ? "" : (replayId ?? ""))).values();
}

/** 2xx completes; 429 and 503 ask for later; anything else failed. Null, or 0: no answer was given. Undefined: not recorded. */
function outcomeOf(status: unknown): HistoryCall["outcome"] {
  if (status === undefined) return undefined;
  if (status === null || status === 0) return null;
  const code = countOf(status, "status");
  if (code >= 200 && code < 300) return "completed";
  return code === 429 || code === 503 ? "deferred" : "failed";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RecordUnreadable("it is not JSON");
  }
}

function objectOf(value: unknown, name: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw new RecordUnreadable(`${name} is no object`);
}

function textOf(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new RecordUnreadable(`${name} is ${value === undefined ? "missing" : "no text"}`);
}

function countOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RecordUnreadable(`${name} is ${value === undefined ? "missing" : "no whole number from 0"}`);
}

/** An RFC 3339 time, or milliseconds. */
function timeOf(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  const ms = typeof value === "string" ? Date.parse(value) : value;
  if (typeof ms === "number" && Number.isFinite(ms)) return ms;
  throw new RecordUnreadable(`${name} is neither an RFC 3339 time nor milliseconds`);
}
