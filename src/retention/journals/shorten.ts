/**
 * Shortens the journals: what was recorded before a time is abridged, and then removed. Each step is safe by itself: an abridgement that is not named counts for
 * nothing, and a beginning that one stands for is of use to nobody, so the next run removes what this one has left.
 */
import { slicesOf, toSnapshot } from "../../delivery/journal/snapshot.ts";
import type { NewId } from "../../event/ids.ts";
import { abridgedStream, abridgementOf } from "../../event/names.ts";
import { type Abridged, readAbridged } from "../../log/abridged/abridgement.ts";
import type { EventLog, StreamCut } from "../../log/event-log.ts";
import { AbridgementWriter, nameAbridgement } from "./abridgement-writer.ts";
import { Abridger } from "./abridger.ts";
import { beginningOf, entriesBefore, type Heirs, heirsOf, type RecordedJournal } from "./beginning.ts";

export interface ShortenNeeds {
  readonly log: EventLog;
  readonly newId: NewId;
  /** What was recorded before it (wall clock, ms) goes, as far as it is over. */
  readonly untilMs: number;
  /** How far that time has to move on before a journal is abridged again: each time the whole abridgement is written. */
  readonly everyMs: number;
  readonly rest: (done: number) => Promise<void>;
  readonly signal: AbortSignal;
}

const minuteMs = 60_000;

/** @param journals those that are in force before those of earlier divisions. @returns for each journal in turn what is of no use any more: its beginning, and what an abridgement took the place of. */
export async function* shortenJournals(journals: readonly RecordedJournal[], needs: ShortenNeeds): AsyncGenerator<readonly StreamCut[], void> {
  const { log, untilMs, everyMs, signal } = needs;
  const known = new Map(await readAbridged(log, signal));
  // Times of completions are kept to the minute.
  const heirsOfMany = new Map<readonly RecordedJournal[], Heirs>();
  const until = new Date(Math.floor(untilMs / minuteMs) * minuteMs).toISOString();
  for (const journal of journals) {
    const before = known.get(journal.stream) ?? null;
    const isSettled = before?.settled === true && journal.heirs.length > 0;
    const isDue = !isSettled && (before === null || Date.parse(until) - Date.parse(before.until) >= everyMs);
    const heirs = isDue ? (heirsOfMany.get(journal.heirs) ?? (await heirsOf({ log, signal }, journal, known))) : null;
    if (heirs !== null) heirsOfMany.set(journal.heirs, heirs);
    const abridged = heirs === null ? before : ((await abridge(journal, { ...needs, before, until, heirs })) ?? before);
    if (abridged === null) continue;
    known.set(journal.stream, abridged);
    yield await leftOver(log, abridged);
  }
}

async function abridge(
  journal: RecordedJournal,
  { before, until, heirs, ...needs }: ShortenNeeds & { readonly before: Abridged | null; readonly until: string; readonly heirs: Heirs },
): Promise<Abridged | null> {
  const { log, signal } = needs;
  const place = { log, journal, abridged: before, signal };
  const beginning = await beginningOf(place, until, heirs);
  if (beginning === null) return null;
  const { state, standing } = beginning;
  const named = await log.streamRevision(abridgedStream);
  const writer = await AbridgementWriter.begin(needs, journal.stream);
  const abridger = new Abridger(standing);
  for await (const entries of entriesBefore(place, beginning.before)) for (const entry of entries) await writer.add(abridger.add(entry));
  await writer.add(abridger.end());
  const where = await writer.end(toSnapshot(state, needs.newId(), [...slicesOf(state)]));
  const settled = beginning.isAll && abridger.kept === 0;
  const abridged = { journal: journal.stream, before: beginning.before, through: beginning.through.toString(), until, ...where, ...(settled && { settled }) };
  await nameAbridgement(needs, abridged, named);
  return abridged;
}

async function leftOver(log: EventLog, { journal, before, entries }: Abridged): Promise<readonly StreamCut[]> {
  const cuts = [
    { stream: journal, before },
    { stream: abridgementOf(journal), before: entries },
  ];
  const left: StreamCut[] = [];
  for (const cut of cuts) {
    let first = Number.POSITIVE_INFINITY;
    for await (const [event] of log.readStream(cut.stream, { limit: 1, damaged: "given" })) first = event!.revision;
    if (first < cut.before) left.push(cut);
  }
  return left;
}
