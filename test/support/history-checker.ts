/** Judges the calls of a handler by docs/rules.md, Checking, from a book of calls of its own and the rows of the log, with the checker of `reprise verify`. */
import { DatabaseSync } from "node:sqlite";
import { checkLane, type LaneStory } from "../../src/verify/history.ts";

/** One call as the handler saw it. Places in time are numbers of one count over all starts and ends. */
export interface Call {
  readonly lane: string;
  readonly revision: number;
  readonly attempt: number;
  readonly deliveryId: string;
  readonly replayId: string | null;
  readonly startedAt: number;
  endedAt: number | null;
  outcome: "completed" | "failed" | "deferred" | null;
}

export type CallStart = Pick<Call, "lane" | "revision" | "attempt" | "deliveryId" | "replayId">;

/** A handler's book: what began and ended, in order. */
export interface History {
  readonly calls: readonly Call[];
  begin(start: CallStart): Call;
  end(call: Call, outcome: NonNullable<Call["outcome"]>): void;
  /** Now, in the count of starts and ends. */
  now(): number;
}

export function makeHistory(): History {
  const calls: Call[] = [];
  let count = 0;
  return {
    calls,
    begin(start) {
      const call: Call = { ...start, startedAt: ++count, endedAt: null, outcome: null };
      calls.push(call);
      return call;
    },
    end(call, outcome) {
      call.endedAt ??= ++count;
      call.outcome ??= outcome;
    },
    now: () => ++count,
  };
}

export interface LogRow {
  readonly position: number;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly source: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** All rows of the log in `folder`, read beside its owner. */
export function readLogRows(folder: string): readonly LogRow[] {
  const db = new DatabaseSync(`${folder}/log.db`, { readOnly: true });
  try {
    const sql =
      "select e.position, s.name as stream, e.revision, e.type, e.source, e.data from events e join streams s on s.id = e.stream_id order by e.position";
    return (db.prepare(sql).all() as unknown as (Omit<LogRow, "data"> & { readonly data: string })[]).map((row) => ({ ...row, data: JSON.parse(row.data) }));
  } finally {
    db.close();
  }
}

export type CountedStatus = "pending" | "held" | "failed" | "dead_lettered" | "completed" | "replayed" | "discarded" | "skipped";

/** A handler's deliveries, counted event by event. */
export interface Counted {
  readonly wanted: ReadonlyMap<string, readonly number[]>;
  /** `lane@revision` → status. */
  readonly statuses: ReadonlyMap<string, CountedStatus>;
  /** Ever dead-lettered. */
  readonly letters: ReadonlySet<string>;
  /** First revision of the lane that is not done by the record, letters apart. */
  next(lane: string): number;
}

interface Fact {
  readonly lane: string;
  readonly revision: number;
  readonly at: string;
}

/** FNV-1a of 32 bits, digit by digit. */
function fnv1a(text: string): number {
  let hash = 2166136261n;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 16777619n) % 4294967296n;
  return Number(hash);
}

/** By brute force, out of rows up to any point. Right while nothing runs. */
export function countDeliveries(rows: readonly LogRow[], handler: string, ordering: "strict" | "relaxed" = "strict"): Counted {
  const configured = rows.findLast(({ stream, type }) => stream === `reprise.handler-${handler}` && type === "handler.configured");
  const partitions = (configured?.data.partitions ?? 1) as number;
  // Of all its partitions ever: what a journal says of a lane holds when another one has the lane.
  const prefix = `reprise.journal-${handler}-`;
  const journal = rows.filter(({ stream }) => stream.startsWith(prefix) && /^\d+-\d+$/.test(stream.slice(prefix.length)));
  const since = (configured?.data.types ?? {}) as Readonly<Record<string, string>>;
  const wanted = rows.filter(({ stream, type, position }) => !stream.startsWith("reprise.") && type in since && position > Number(since[type]));

  const checkpoints = new Map<string, number>();
  const next = new Map<string, number>();
  const detached = new Set<string>();
  const recorded = new Map<string, CountedStatus>();
  const letters = new Set<string>();
  const advance = (lane: string, to: number) => void next.set(lane, Math.max(next.get(lane) ?? 0, to));
  for (const { stream, type, data } of journal) {
    const { lane, revision } = data as unknown as Fact;
    const key = `${lane}@${revision}`;
    if (type === "progress") {
      checkpoints.set(stream, Math.max(checkpoints.get(stream) ?? 0, Number(data.checkpoint)));
      for (const [name] of (data.attached ?? []) as readonly (readonly [string])[]) detached.delete(name);
      for (const [name, to] of data.ahead as readonly (readonly [string, number])[]) advance(name, to);
    } else if (type === "delivery.dead_lettered") {
      recorded.set(key, "dead_lettered");
      letters.add(key);
      detached.add(lane);
      advance(lane, revision + 1);
    } else if (type === "delivery.settled") {
      recorded.set(key, data.outcome as CountedStatus);
      advance(lane, revision + 1);
    } else if (type === "letters.replayed") {
      for (const [name, of] of data.letters as readonly (readonly [string, number])[]) recorded.set(`${name}@${of}`, "replayed");
    } else if (type === "delivery.failed" || type === "delivery.deferred") {
      recorded.set(key, "failed");
      if (letters.has(key)) continue; // its replay waits
      detached.add(lane);
      advance(lane, revision);
    } else if (type === "lane.detached" || type === "lane.paused") {
      detached.add(lane);
      advance(lane, data.next as number);
    } else if (type === "lane.gap") {
      for (let gone = data.from as number; gone <= (data.to as number); gone++) recorded.set(`${lane}@${gone}`, "skipped");
      advance(lane, (data.to as number) + 1);
    } else if (type === "lane.attached") detached.delete(lane);
  }

  const blocked = new Set([...recorded].filter(([, status]) => status === "dead_lettered").map(([key]) => key.slice(0, key.lastIndexOf("@"))));
  const statuses = new Map<string, CountedStatus>();
  const revisions = new Map<string, number[]>();
  for (const { stream, revision, position } of wanted) {
    const key = `${stream}@${revision}`;
    (revisions.get(stream) ?? revisions.set(stream, []).get(stream)!).push(revision);
    const known = recorded.get(key);
    const checkpoint = checkpoints.get(`${prefix}${partitions}-${fnv1a(stream) % partitions}`) ?? 0;
    const done = revision < (next.get(stream) ?? 0) || (!detached.has(stream) && position <= checkpoint);
    if (known !== undefined && !(known === "failed" && done)) statuses.set(key, known);
    else if (done) statuses.set(key, "completed");
    else statuses.set(key, ordering === "strict" && blocked.has(stream) ? "held" : "pending");
  }
  return { wanted: revisions, statuses, letters, next: (lane) => next.get(lane) ?? 0 };
}

export interface Story extends Pick<Counted, "wanted" | "statuses" | "letters"> {
  readonly ordering?: "strict" | "relaxed";
  /** Ends without a record: when, in the book's count, and where the record said that each lane goes on. */
  readonly crashes?: readonly { readonly at: number; next(lane: string): number }[];
}

/** What was broken, in words; empty when nothing was. */
export function checkHistory(calls: readonly Call[], story: Story): readonly string[] {
  const broken: string[] = [];
  const lanes = Map.groupBy(calls, ({ lane }) => lane);
  for (const [lane, its] of lanes) {
    if (story.wanted.has(lane)) broken.push(...checkLane(its, laneStory(lane, story)).broken.map((what) => `${lane}@${what}`));
    else broken.push(`${lane} was called and is not wanted`);
  }
  for (const [lane, revisions] of story.wanted) {
    const completed = new Set((lanes.get(lane) ?? []).filter(({ outcome }) => outcome === "completed").map(({ revision }) => revision));
    for (const revision of revisions) {
      const status = story.statuses.get(`${lane}@${revision}`);
      const called = completed.has(revision);
      if (!called && (status === "completed" || status === "replayed")) broken.push(`${lane}@${revision} is ${status} by the log, but no call completed`);
      if (called && status !== "completed" && status !== "replayed") broken.push(`${lane}@${revision} is ${status} by the log, but a call completed`);
    }
  }
  return broken;
}

function laneStory(lane: string, { wanted, statuses, letters, ordering = "strict", crashes = [] }: Story): LaneStory {
  const statusOf = (revision: number) => statuses.get(`${lane}@${revision}`);
  return {
    ordering,
    isOver: ({ revision }) => statusOf(revision) === "skipped" || statusOf(revision) === "discarded",
    crashes: crashes.map(({ at, next }) => ({ at, next: next(lane) })),
    log: {
      wanted: wanted.get(lane)!,
      isLetter: (revision) => letters.has(`${lane}@${revision}`),
      isReplayed: (revision) => statusOf(revision) === "replayed",
    },
  };
}
