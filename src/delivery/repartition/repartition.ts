/**
 * Divides a handler's lanes into another number of partitions: its journals are taken over, brought to one place and closed, and their states go, divided by
 * the hash of each lane, into new journals; the handler's record names these last. Whoever is asked again goes on where the end of a process has cut it off.
 * Two that do it at once cannot harm: each append expects a revision, and who takes it up says so in the handler's record, by which the other one ends.
 */
import { isLogTrouble, isRepriseError, RepriseError } from "../../errors.ts";
import type { Position } from "../../event/event.ts";
import { journalStream } from "../../event/names.ts";
import type { Act } from "../../records/act.ts";
import type { JournalEvent } from "../../records/journal.ts";
import { type ClaimedJournal, claimJournal, typesOf } from "../dispatcher/claim-journal.ts";
import type { HandlerRecord, Repartitioning } from "../journal/handler-stream.ts";
import { limitsOfOne } from "../limits.ts";
import { inAgreement } from "../ownership/in-agreement.ts";
import { beginJournal } from "./begin-journal.ts";
import { DivisionRecord, divisionRuns } from "./division-record.ts";
import { lanesBehind } from "./lanes-behind.ts";
import type { RepartitionNeeds } from "./needs.ts";
import { type OldPartition, splitStates } from "./split-state.ts";

export interface Repartitioned {
  readonly partitions: number;
  readonly before: number;
  /** Of the record that ends it; null: the handler had this number already. */
  readonly position: Position | null;
}

/** An owner that does not hear of it goes on writing its journal while that is claimed. */
const maxClaims = 50;

/** @throws REPARTITION_RUNNING, REPARTITION_REFUSED, NOT_OWNER, JOURNAL_DAMAGED, LOG_UNAVAILABLE */
export async function repartition(needs: RepartitionNeeds, partitions: number, act: Act): Promise<Repartitioned> {
  const { spec, logger } = needs;
  const record = new DivisionRecord(needs);
  const begun = await record.begin(partitions, act);
  if (begun === null) return { partitions, before: partitions, position: null };
  const { division, journals, isNew } = begun;
  const old: ClaimedJournal[] = [];
  let isClosing = false;
  try {
    await needs.standAside(division, journals);
    const configured = await claimAll(needs, division, old);
    const levelled = await level(needs, old, configured);
    isClosing = true;
    const closed = await close(needs, old, levelled, partitions);
    const states = splitStates(closed, partitions, typesOf(configured));
    for (const [at, state] of states.entries()) await beginJournal(journalStream(spec.name, partitions, at), state, needs);
    const position = await record.end(division);
    logger.info({ handler: spec.name, partitions, before: division.before }, "the handler is divided anew");
    return { partitions, before: division.before, position };
  } catch (error) {
    const mayBeClosed = isClosing || (!isNew && (old.length < journals.length || old.some(({ claim }) => claim.state.closed !== null)));
    if (!mayBeClosed && !isLogTrouble(error)) await record.withdraw(division, error);
    throw isRepriseError(error, "REVISION_CONFLICT", "FENCED") ? divisionRuns(spec.name, division) : error;
  }
}

/** Nobody else writes these journals from then on. @returns what the handler wants, on record. */
async function claimAll(needs: RepartitionNeeds, division: Repartitioning, old: ClaimedJournal[]): Promise<HandlerRecord["configured"]> {
  const { before: of } = division;
  const limits = limitsOfOne(needs.limits, of);
  const configure = async () => {
    const record = await needs.configure();
    if (record.repartitioning?.id !== division.id) throw divisionRuns(needs.spec.name, record.repartitioning ?? division);
    return record;
  };
  for (let partition = 0; partition < of; partition++)
    for (let tries = 1; ; tries++)
      try {
        const claimed = await claimJournal({ ...needs, limits, partition, of }, await configure(), { evenClosed: true, tries: 1 });
        old.push(claimed);
        // Nothing of it is called here: it has no more suspects than it had.
        if (!claimed.claim.unclean) await claimed.journal.append([{ type: "partition.released", data: {} }]);
        break;
      } catch (error) {
        if (!isRepriseError(error, "FENCED") || tries === maxClaims || old.length > partition) throw error;
      }
  return inAgreement(async () => {
    const record = await configure();
    await record.record();
    return record.configured;
  });
}

/** What brings each partition to the place of the furthest one. Of an only one there is nothing to say. */
async function level({ log, spec, limits }: RepartitionNeeds, old: readonly ClaimedJournal[], configured: HandlerRecord["configured"]) {
  const through = old.reduce((most, { claim }) => (claim.state.checkpoint > most ? claim.state.checkpoint : most), 0n);
  const types = typesOf(configured);
  let lanes = old.reduce((sum, { claim }) => sum + claim.state.lanes.size, 0);
  const facts: JournalEvent[][] = old.map(() => []);
  if (old.length === 1) return facts;
  const mustGoOn = old.some(({ claim }) => claim.state.closed !== null);
  for (const [partition, { wanted, claim }] of old.entries()) {
    const { state, readAhead } = claim;
    const own = facts[partition]!;
    for await (const detached of lanesBehind({ log, state, types, wanted, through, readAhead })) {
      own.push(detached);
      if (++lanes > limits.recordedLanes && !mustGoOn) throw tooFarApart(spec.name, limits.recordedLanes);
    }
    if (state.checkpoint < through) own.push({ type: "progress", data: { checkpoint: through.toString(), ahead: [] } });
  }
  return facts;
}

function tooFarApart(handler: string, most: number): RepriseError {
  return new RepriseError(
    "REPARTITION_REFUSED",
    `The partitions of ${handler} are too far apart: more than ${most} entities would have to read on by themselves.`,
  );
}

async function close(
  { log }: RepartitionNeeds,
  old: readonly ClaimedJournal[],
  facts: readonly (readonly JournalEvent[])[],
  partitions: number,
): Promise<readonly OldPartition[]> {
  const closed: OldPartition[] = [];
  for (const [at, { journal, claim }] of old.entries()) {
    const { stream } = journal;
    for (const events of journal.divide([...facts[at]!, { type: "partition.closed", data: { partitions } }])) await journal.append(events);
    closed.push({ journal: stream, state: claim.state, revision: await log.streamRevision(stream) });
  }
  return closed;
}
