/** Taking one of a handler's journals over, with what holds from then on: before anything is delivered, or divided anew. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { NewId } from "../../event/ids.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { JournalEvent } from "../../records/journal.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { Claim } from "../journal/claim.ts";
import type { HandlerRecord } from "../journal/handler-stream.ts";
import { JournalStream } from "../journal/journal-stream.ts";
import { skipPassedOver } from "../journal/passed-over.ts";
import { firstPosition, Wanted } from "../journal/wanted.ts";
import type { DeliveryLimits } from "../limits.ts";
import type { LastEnds } from "../partition/ends.ts";

export interface ClaimJournalOptions {
  readonly spec: HandlerSpec;
  readonly catalog: Catalog;
  readonly log: EventLog;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
  /** Who owns the journal now, and which build it is: for the record. */
  readonly owner: () => string;
  readonly build: string;
  readonly projectBuild?: string | null;
  readonly ends: LastEnds;
  /** Of this partition. */
  readonly limits: DeliveryLimits;
  /** Which partition, of how many. */
  readonly partition: number;
  readonly of: number;
}

export interface ClaimedJournal {
  readonly journal: JournalStream;
  readonly claim: Claim;
  /** What the partition's lanes want. */
  readonly wanted: Wanted;
}

/** @param how see `JournalStream.claim`. @throws FENCED, JOURNAL_DAMAGED, LOG_UNAVAILABLE, … */
export async function claimJournal(options: ClaimJournalOptions, record: HandlerRecord, how?: Parameters<JournalStream["claim"]>[3]): Promise<ClaimedJournal> {
  const { spec, catalog, log, newId, logger, owner, build, projectBuild = null, ends, limits, partition: number, of } = options;
  const { configured } = record;
  const { stream, skips } = record.journal(number);
  const journal = await JournalStream.open({ log, newId, stream, start: firstPosition(configured), skips });
  const builds = { build, ...(projectBuild === null ? {} : { projectBuild }) };
  const reset = (at: bigint): JournalEvent => ({ type: "partition.reset", data: { checkpoint: at.toString() } });
  let isBack = of === 1 && record.retiredAt !== null;
  const beside = (endedAt: bigint | null): readonly JournalEvent[] => {
    const { retirement } = record;
    if (of === 1) return [];
    if (endedAt === null) return [firstProgress(firstPosition(configured))];
    if (retirement === null || endedAt > retirement.recorded) return [];
    isBack = true;
    return [reset(retirement.at)];
  };
  const about = { owner: owner(), ...builds, catalog: catalog.fingerprint, readAhead: limits.readAheadEvents };
  const claim = await journal.claim(about, ends, beside, how);
  if (isBack && of === 1) await journal.append([reset(record.retiredAt!)]);
  const wanted = new Wanted(configured, { number, of });
  const types = typesOf(configured);
  const known = claim.state.types;
  const newNames = known === null ? record.newNames : types.filter((type) => !known.includes(type));
  const passedOver = await skipPassedOver(newNames, { log, state: claim.state, wanted, record: (facts) => journal.append(facts) });
  if (passedOver > 0)
    logger.error(
      { handler: spec.name, events: passedOver, types: newNames },
      "events under a new name were passed over by a build that did not know it, and are skipped: replay them as history where they matter",
    );
  if (of > 1 && types.join() !== known?.join()) await journal.append([{ type: "partition.wants", data: { types } }]);
  return { journal, claim: isBack ? { ...claim, unclean: false } : claim, wanted };
}

/** The stored types that a handler wants, as `partition.wants` names them. */
export function typesOf({ stored = {} }: HandlerRecord["configured"]): readonly string[] {
  return Object.keys(stored).sort((a, b) => (a < b ? -1 : 1));
}

/** So that the views know where a partition begins that has nothing to do yet. */
function firstProgress(checkpoint: bigint): JournalEvent {
  return { type: "progress", data: { checkpoint: checkpoint.toString(), ahead: [] } };
}
