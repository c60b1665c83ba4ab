import { RepriseError } from "../../errors.ts";
import type { Integrations } from "../integrations/integrations.ts";
import type { HandlerRecord } from "../journal/handler-stream.ts";
import { limitsOfOne } from "../limits.ts";
import { Partition } from "../partition/partition.ts";
import type { Slots } from "../partition/slots.ts";
import { type ClaimJournalOptions, claimJournal } from "./claim-journal.ts";
import { Dispatcher, type DispatcherOptions } from "./dispatcher.ts";

export interface OpenDispatcherOptions extends Omit<DispatcherOptions, "permits" | "slots">, Omit<ClaimJournalOptions, "limits"> {
  readonly integrations: Integrations;
  readonly slots: Slots;
}

/**
 * Reads the journal of one of the handler's partitions, and claims it. Nothing is delivered before `start`.
 *
 * @throws FENCED also when the handler has been divided into other partitions, or is about to be.
 */
export async function openDispatcher(options: OpenDispatcherOptions, record: HandlerRecord): Promise<Dispatcher> {
  const { spec, catalog, clock, integrations, partition: number, of } = options;
  const { configured, repartitioning } = record;
  const { stream } = record.journal(number);
  if (configured.partitions !== of)
    throw new RepriseError("FENCED", `Handler ${spec.name} has ${configured.partitions} partitions now, and no longer ${of}.`, { fields: { stream } });
  if (repartitioning !== null)
    throw new RepriseError("FENCED", `Handler ${spec.name} is being divided into ${repartitioning.partitions} partitions.`, { fields: { stream } });
  const limits = limitsOfOne(options.limits, of);
  const { journal, claim, wanted } = await claimJournal({ ...options, limits }, record);
  const permits = spec.integration === null ? null : await integrations.join(spec.integration.name);
  const slots = options.slots.join();
  const partition = new Partition(
    {
      ordering: spec.ordering,
      record: spec.record,
      unknownOutcome: spec.unknownOutcome,
      concurrency: spec.concurrency,
      ...{ limits, permits, slots, decisions: spec.decisions },
      wanted,
      chainFingerprint: (type) => catalog.chainFingerprint(catalog.resolve(type) ?? type),
    },
    { ...claim, nowMs: clock.now(), monotonicMs: clock.monotonicMs() },
  );
  return new Dispatcher({ ...options, limits, permits, slots }, { journal, partition, claimed: claim });
}
