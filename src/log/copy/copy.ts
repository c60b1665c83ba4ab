/**
 * Copies a log, or one tenant of it, into another: same ids, revisions, times and relative order; positions are the target's own, so those that journals name are
 * mapped. Works on the port alone.
 *
 * What was copied is read from the target itself, not from a note about it: both logs are walked side by side, and where the target ends, appending begins.
 * As appends are stored in log order, a copy that was killed has left a beginning of the source; the next run goes on behind it, or refuses a target that
 * holds anything else.
 */
import { createHash } from "node:crypto";
import { RepriseError } from "../../errors.ts";
import type { Json, NewEvent, Position, StoredEvent } from "../../event/event.ts";
import { copyStream, isEntityStream, logStream, ownTenant, replayStream } from "../../event/names.ts";
import { encodeAppend } from "../append-rules.ts";
import { type EventLog, maxAppendBytes, maxAppendEvents } from "../event-log.ts";
import { type CopyMark, isUnfinishedCopy, markCopy } from "./copy-marker.ts";
import { checkOwnEvent, type OwnEventRules, rewriteOwnEvent } from "./copy-own-events.ts";
import { type CopyScratch, openCopyScratch, type Side } from "./copy-scratch.ts";

export interface CopyOptions {
  /** Nobody may write to it meanwhile: what comes later is not copied. */
  readonly source: EventLog;
  /** New, or what an earlier run has left. */
  readonly target: EventLog;
  /** Only this tenant's entities, and what the journals say about them. */
  readonly tenant?: string;
  /** Appends may be sent together, because the target stores those of one turn of the event loop in their order, all or none. */
  readonly together: boolean;
  /** Read both logs again and compare every stream. */
  readonly verify: boolean;
  /** Ends the copy between two appends. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CopyProgress) => void;
}

export interface CopyProgress {
  readonly phase: "checking" | "copying" | "verifying";
  readonly events: number;
  /** Events of the phase; null while they are being counted. */
  readonly total: number | null;
}

export interface CopyReport {
  /** Stored by this run. */
  readonly copied: number;
  /** Found in the target, from earlier runs. */
  readonly present: number;
  /** Events of the source in streams that are neither an entity's nor Reprise's own. */
  readonly passedOver: number;
  /** Null when the signal ended the copy, or no comparison was asked for. */
  readonly verified: Verified | null;
  /** False when the signal ended it. */
  readonly complete: boolean;
}

export interface Verified {
  readonly streams: number;
  readonly events: number;
  /** SHA-256 over all streams' names, counts and digests, hexadecimal: the same for any log that holds the same. */
  readonly digest: string;
  readonly differing: { readonly streams: readonly string[]; readonly total: number };
}

/** The copy would not be one: the source has lost events, or the target holds others. Nothing was changed by this run, or no more than its report says. */
export class CopyRefused extends Error {
  override readonly name = "CopyRefused";
}

const windowEvents = maxAppendEvents;
/** With the events' limit above, well within one commit of the embedded log. */
const windowBytes = 2 * maxAppendBytes;
const namedStreams = 20;
const progressEvery = 1000;

/**
 * @throws CopyRefused; LOG_NEWER for events of Reprise's own that this build does not know; what the port's reads and appends throw.
 */
export async function copyLog(options: CopyOptions): Promise<CopyReport> {
  const { source, target, verify, signal } = options;
  if (source.logId === target.logId) throw new CopyRefused("Source and target are the same log.");
  if (await isUnfinishedCopy(source)) throw new CopyRefused("The source is itself a copy that has not come to its end.");
  const scratch = openCopyScratch();
  try {
    const { total, passedOver } = await check(options, scratch);
    scratch.restartRevisions();
    const { copied, present } = await bring(options, scratch, total);
    const complete = !signal.aborted;
    const verified = verify && complete ? await compare(options, scratch, total) : null;
    // Not when the comparison found differences or was cut off: that is no copy to start a service on.
    const isWhole = complete && !(verify && verified === null) && (verified?.differing.total ?? 0) === 0;
    if (isWhole && (await isUnfinishedCopy(target))) await markCopy(target, "copy.ended", markOf(options));
    return { copied, present, passedOver, verified, complete: !signal.aborted };
  } finally {
    scratch.close();
  }
}

/** Reads the source to its end before anything is stored: what cannot be copied is found now. */
async function check({ source, tenant, signal, onProgress }: CopyOptions, scratch: CopyScratch): Promise<{ total: number; passedOver: number }> {
  let total = 0;
  let passedOver = 0;
  for await (const event of walk(source)) {
    if (signal.aborted) break;
    if (!isCopied(event, tenant)) {
      if (!isCopied(event) && !isLogsOwn(event.stream)) passedOver++;
      continue;
    }
    if (event.tenant === ownTenant) checkOwnEvent(event);
    const wanted = scratch.nextRevision(event.stream);
    if (event.revision !== wanted)
      throw new CopyRefused(
        `${event.stream} has no event at revision ${wanted} (the next one is ${event.revision}): it was truncated, its events have expired, or another program wrote there what cannot be read. A log gives out revisions in order, so they could not be kept.`,
      );
    if (++total % progressEvery === 0) onProgress({ phase: "checking", events: total, total: null });
  }
  return { total, passedOver };
}

/** An event as the target is to hold it. */
interface Copied {
  readonly position: Position;
  readonly stream: string;
  readonly revision: number;
  readonly isOwn: boolean;
  readonly recordedAt: string;
  readonly event: NewEvent;
}

/**
 * The source's events as the target is to hold them, in log order. Positions of Reprise's own events map to events of entities, the only ones that a
 * handler looks for; so what an event becomes depends on the entities' events before it alone, in every run the same.
 *
 * @param settle waits until the events handed on so far have a position in the target.
 */
async function* asCopied({ source, tenant }: CopyOptions, scratch: CopyScratch, settle: () => Promise<void>): AsyncGenerator<Copied, void> {
  /** Journal and revision of each amendment in the source → its revision in the target. Few: each is a person's or a migration's act. */
  const amendments = new Map<string, number>();
  const rules: OwnEventRules = {
    position: (text) => scratch.targetOf(BigInt(text as string)).toString(),
    keeps: (lane) => tenant === undefined || (lane as string).startsWith(`${tenant}.`),
    amendment: (journal, revision) => {
      const copied = amendments.get(`${journal}\n${revision as number}`);
      if (copied === undefined) throw new Error(`there is no amendment at revision ${revision as number}`);
      return copied;
    },
  };
  for await (const event of walk(source)) {
    if (!isCopied(event, tenant)) continue;
    const { id, type, schemaVersion, source: from, occurredAt, metadata, position, stream, recordedAt } = event;
    const isOwn = event.tenant === ownTenant;
    let { data } = event;
    if (isOwn) {
      if (tenant !== undefined && isReplay(stream) && !(await isReplayOf(source, stream, rules))) continue;
      await settle();
      const rewritten = rewriteOwnEvent(event, rules);
      if (rewritten === null) continue;
      data = rewritten;
    }
    // One tenant's copy has gaps in the journals, which close; everywhere else the count is the revision.
    const revision = scratch.nextRevision(stream);
    if (isOwn && type === "delivery.amended") amendments.set(`${stream}\n${event.revision}`, revision);
    yield { position, stream, revision, isOwn, recordedAt, event: { id, type, schemaVersion, source: from, occurredAt, data, metadata } };
  }
}

const markOf = ({ source, tenant }: CopyOptions): CopyMark => ({ source: source.logId, tenant: tenant ?? null });

/** Brings the target up to the source. */
async function bring(options: CopyOptions, scratch: CopyScratch, total: number): Promise<{ copied: number; present: number }> {
  const { target, signal, onProgress } = options;
  const outbox = makeOutbox(options, scratch);
  const held = only(walk(target), (event) => isCopied(event));
  let next = await held.next();
  let present = 0;
  let passed = 0;
  for await (const one of asCopied(options, scratch, () => outbox.settle())) {
    if (signal.aborted) break;
    if (next.done === true) await outbox.add(one);
    else {
      const stored = next.value;
      if (stored.id !== one.event.id || stored.stream !== one.stream || stored.revision !== one.revision || stored.type !== one.event.type)
        throw new CopyRefused(
          `The target is no copy of this source${present > 0 ? ` beyond its first ${present} events` : ""}: it has "${stored.type}" in ${stored.stream} at revision ${stored.revision} where "${one.event.type}" in ${one.stream} at revision ${one.revision} should be.`,
        );
      if (!one.isOwn) scratch.pair(one.position, stored.position);
      present++;
      next = await held.next();
    }
    if (++passed % progressEvery === 0) onProgress({ phase: "copying", events: passed, total });
  }
  await outbox.flush();
  if (next.done !== true && !signal.aborted)
    throw new CopyRefused(
      `The target holds more than the source: after all ${present} events of the source it has "${next.value.type}" in ${next.value.stream} at revision ${next.value.revision}. Was it in service already?`,
    );
  await held.return(undefined);
  return { copied: outbox.stored(), present };
}

interface Run {
  readonly stream: string;
  readonly events: Copied[];
  bytes: number;
}

interface Outbox {
  add(one: Copied): Promise<void>;
  /** Stores what waits, if any of it is an entity's, so that its position is known. */
  settle(): Promise<void>;
  flush(): Promise<void>;
  /** Events stored so far. */
  stored(): number;
}

/**
 * Events on their way into the target: neighbours of one stream make one append. The answer of an append of several may name the last one's place
 * only; then what was stored is read, in log order as it was sent.
 */
function makeOutbox(options: CopyOptions, scratch: CopyScratch): Outbox {
  const { target, together } = options;
  let runs: Run[] = [];
  let unsettled = false;
  let events = 0;
  let bytes = 0;
  let stored = 0;
  /** Of the target's last event, once it is asked for. */
  let last: Position | null = null;

  /** Appends one run; the answer is where its events are, or null when it does not say. */
  const append = async ({ stream, events: [first, ...rest] }: Run): Promise<readonly Position[] | null> => {
    const all = [first!, ...rest];
    const before = { recordedAt: all.map(({ recordedAt }) => recordedAt) };
    const news = all.map(({ event }) => event);
    const appended = await target.append(stream, news, first!.revision === 0 ? "none" : first!.revision - 1, before);
    const isOfEach = appended.every(({ position }, index) => index === 0 || position > appended[index - 1]!.position);
    return isOfEach ? appended.map(({ position }) => position) : null;
  };

  const record = ({ stream, position, isOwn }: Copied, at: Position): void => {
    if (at <= last!) throw new RepriseError("LOG_DAMAGED", `The target stored ${stream} at position ${at}, before what was appended earlier (${last}).`);
    last = at;
    if (!isOwn) scratch.pair(position, at);
    stored++;
  };

  const recordAll = async (sent: readonly Run[], places: readonly (readonly Position[] | null)[]): Promise<void> => {
    if (!places.includes(null)) {
      for (const [index, run] of sent.entries()) for (const [at, one] of run.events.entries()) record(one, places[index]![at]!);
      return;
    }
    const all = sent.flatMap(({ events: each }) => each);
    let seen = 0;
    for await (const event of only(walk(target, last!), (each) => isCopied(each))) {
      const one = all[seen++];
      if (event.id !== one?.event.id)
        throw new RepriseError("LOG_DAMAGED", `The target has ${event.stream} at position ${event.position}, which was not sent there.`);
      record(one, event.position);
      if (seen === all.length) return;
    }
    throw new RepriseError("LOG_DAMAGED", `The target shows ${seen} of ${all.length} events that it has stored.`);
  };

  const flush = async (): Promise<void> => {
    const sent = runs;
    runs = [];
    unsettled = false;
    events = bytes = 0;
    if (sent.length === 0) return;
    if (last === null) {
      if (!(await isUnfinishedCopy(target))) await markCopy(target, "copy.begun", markOf(options));
      last = await target.head();
    }
    const places: (readonly Position[] | null)[] = [];
    if (!together) for (const run of sent) places.push(await append(run));
    else {
      const answers = await Promise.allSettled(sent.map(append));
      for (const answer of answers) {
        if (answer.status === "rejected") throw answer.reason;
        places.push(answer.value);
      }
    }
    await recordAll(sent, places);
  };

  return {
    async add(one) {
      const size = encodeAppend(one.stream, [one.event], "any").bytes;
      if (events + 1 > windowEvents || bytes + size > windowBytes) await flush();
      const run = runs.at(-1);
      if (run?.stream === one.stream && run.bytes + size <= maxAppendBytes) {
        run.events.push(one);
        run.bytes += size;
      } else runs.push({ stream: one.stream, events: [one], bytes: size });
      unsettled ||= !one.isOwn;
      events++;
      bytes += size;
    },
    settle: async () => {
      if (unsettled) await flush();
    },
    flush,
    stored: () => stored,
  };
}

/** Reads both logs from the beginning and compares them, stream by stream. */
async function compare(options: CopyOptions, scratch: CopyScratch, total: number): Promise<Verified | null> {
  const { target, signal, onProgress } = options;
  let seen = 0;
  const fold = (side: Side, stream: string, revision: number, recordedAt: string, event: NewEvent): void => {
    scratch.digest(side, stream, (before) => digestOf(before, revision, recordedAt, event));
    if (++seen % progressEvery === 0) onProgress({ phase: "verifying", events: seen, total: 2 * total });
  };
  scratch.restartRevisions();
  for await (const { stream, revision, recordedAt, event } of asCopied(options, scratch, async () => {})) {
    if (signal.aborted) return null;
    fold("source", stream, revision, recordedAt, event);
  }
  for await (const event of only(walk(target), (each) => isCopied(each))) {
    if (signal.aborted) return null;
    fold("target", event.stream, event.revision, event.recordedAt, event);
  }
  const whole = createHash("sha256");
  let streams = 0;
  let events = 0;
  for (const { stream, events: count, digest } of scratch.digests("target")) {
    whole.update(`${stream}\n${count}\n`).update(digest);
    streams++;
    events += count;
  }
  return { streams, events, digest: whole.digest("hex"), differing: scratch.differing(namedStreams) };
}

/** All but the position, which is the log's own. */
function digestOf(
  before: Uint8Array | null,
  revision: number,
  recordedAt: string,
  { id, type, schemaVersion, source, occurredAt, data, metadata }: NewEvent,
): Uint8Array {
  const hash = createHash("sha256");
  if (before !== null) hash.update(before);
  return hash.update(JSON.stringify(sorted([revision, recordedAt, id, type, schemaVersion, source, occurredAt, data, metadata as unknown as Json]))).digest();
}

/** Members by name: their order says nothing, and a log may put metadata together anew. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}

const isLogsOwn = (stream: string): boolean => stream === logStream || stream === copyStream;

/** Entities and Reprise's own streams; not the log's id and the marks of copies, which each log has of its own, nor what other programs keep in the same server. */
function isCopied({ stream, tenant }: StoredEvent, wanted?: string): boolean {
  if (tenant === ownTenant) return !isLogsOwn(stream);
  return isEntityStream(stream) && (wanted === undefined || tenant === wanted);
}

const isReplay = (stream: string): boolean => stream.startsWith(replayStream(""));

/** A replay is of one tenant; its items, in the event after the request, say of which. One without items did nothing. */
async function isReplayOf(source: EventLog, stream: string, { keeps }: OwnEventRules): Promise<boolean> {
  for await (const [event] of source.readStream(stream, { from: 1, limit: 1 })) {
    const { items } = event!.data as { readonly items?: readonly { readonly lane: string }[] };
    return items?.[0] !== undefined && keeps(items[0].lane);
  }
  return false;
}

async function* walk(log: EventLog, after: Position = 0n): AsyncGenerator<StoredEvent, void> {
  for await (const batch of log.readAll({ after })) {
    const damage = batch.find((event) => event.damage !== undefined)?.damage;
    if (damage !== undefined) throw new RepriseError("LOG_DAMAGED", `Nothing is copied beyond ${damage.detail}.`);
    yield* batch;
  }
}

async function* only(events: AsyncIterable<StoredEvent>, wanted: (event: StoredEvent) => boolean): AsyncGenerator<StoredEvent, void> {
  for await (const event of events) if (wanted(event)) yield event;
}
