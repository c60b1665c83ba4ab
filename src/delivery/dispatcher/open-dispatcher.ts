import { RepriseError } from "../../errors.ts";
import { partitionOf } from "../../event/partition-of.ts";
import type { JournalEvent } from "../../records/journal.ts";
import type { Integrations } from "../integrations/integrations.ts";
import type { HandlerRecord } from "../journal/handler-stream.ts";
import { JournalStream } from "../journal/journal-stream.ts";
import { skipPassedOver } from "../journal/passed-over.ts";
import { firstPosition, makeWants } from "../journal/wanted.ts";
import { limitsOfOne } from "../limits.ts";
import type { LastEnds } from "../partition/ends.ts";
import { Partition } from "../partition/partition.ts";
import type { Slots } from "../partition/slots.ts";
import { Dispatcher, type DispatcherOptions } from "./dispatcher.ts";

export interface OpenDispatcherOptions extends Omit<DispatcherOptions, "permits" | "slots"> {
  readonly integrations: Integrations;
  /** Who owns the journal now, and which build it is: for the record. */
  readonly owner: () => string;
  readonly build: string;
  readonly projectBuild?: string | null;
  readonly ends: LastEnds;
  readonly slots: Slots;
  /** Which partition, of how many. */
  readonly partition: number;
  readonly of: number;
}

/**
 * Reads the journal of one of the handler's partitions, and claims it. Nothing is delivered before `start`.
 *
 * @throws FENCED also when the handler has been divided into other partitions.
 */
export async function openDispatcher(options: OpenDispatcherOptions, record: HandlerRecord): Promise<Dispatcher> {
  const { spec, catalog, log, newId, clock, logger, owner, build, projectBuild = null, ends, integrations, partition: number, of } = options;
  const { configured } = record;
  const { stream, skips } = record.journal(number);
  if (configured.partitions !== of)
    throw new RepriseError("FENCED", `Handler ${spec.name} has ${configured.partitions} partitions now, and no longer ${of}.`, { fields: { stream } });
  const limits = limitsOfOne(options.limits, of);
  const journal = await JournalStream.open({ log, newId, stream, start: firstPosition(configured), skips });
  const builds = { build, ...(projectBuild === null ? {} : { projectBuild }) };
  const reset = (at: bigint): JournalEvent => ({ type: "partition.reset", data: { checkpoint: at.toString() } });
  let isBack = of === 1 && record.retiredAt !== null;
  const claim = await journal.claim({ owner: owner(), ...builds, catalog: catalog.fingerprint, readAhead: limits.readAheadEvents }, ends, (endedAt) => {
    const { retirement } = record;
    if (of === 1) return [];
    if (endedAt === null) return [firstProgress(firstPosition(configured))];
    if (retirement === null || endedAt > retirement.recorded) return [];
    isBack = true;
    return [reset(retirement.at)];
  });
  if (isBack && of === 1) await journal.append([reset(record.retiredAt!)]);
  const base = makeWants(configured);
  const wants: typeof base = of === 1 ? base : (event, isEntitys) => partitionOf(event.stream, of) === number && base(event, isEntitys);
  const types = Object.keys(configured.stored ?? {}).sort((a, b) => (a < b ? -1 : 1));
  const known = claim.state.types;
  const newNames = known === null ? record.newNames : types.filter((type) => !known.includes(type));
  const passedOver = await skipPassedOver(newNames, { log, state: claim.state, wants, record: (facts) => journal.append(facts) });
  if (passedOver > 0)
    logger.error(
      { handler: spec.name, events: passedOver, types: newNames },
      "events under a new name were passed over by a build that did not know it, and are skipped: replay them as history where they matter",
    );
  if (of > 1 && types.join() !== known?.join()) await journal.append([{ type: "partition.wants", data: { types } }]);
  const permits = spec.integration === null ? null : await integrations.join(spec.integration.name);
  const slots = options.slots.join();
  const partition = new Partition(
    {
      ordering: spec.ordering,
      record: spec.record,
      unknownOutcome: spec.unknownOutcome,
      concurrency: spec.concurrency,
      ...{ limits, permits, slots, decisions: spec.decisions },
      wants,
      chainFingerprint: (type) => catalog.chainFingerprint(catalog.resolve(type) ?? type),
    },
    { ...claim, ...(isBack ? { unclean: false } : {}), nowMs: clock.now(), monotonicMs: clock.monotonicMs() },
  );
  return new Dispatcher({ ...options, limits, permits, slots }, { journal, partition, claimed: claim });
}

/** So that the views know where a partition begins that has nothing to do yet. */
function firstProgress(checkpoint: bigint): JournalEvent {
  return { type: "progress", data: { checkpoint: checkpoint.toString(), ahead: [] } };
}
