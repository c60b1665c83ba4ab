import type { Integrations } from "../integrations/integrations.ts";
import { configureHandler } from "../journal/handler-stream.ts";
import { JournalStream } from "../journal/journal-stream.ts";
import { skipPassedOver } from "../journal/passed-over.ts";
import { firstPosition, makeWants } from "../journal/wanted.ts";
import type { LastEnds } from "../partition/ends.ts";
import { Partition } from "../partition/partition.ts";
import { Dispatcher, type DispatcherOptions } from "./dispatcher.ts";

export interface OpenDispatcherOptions extends Omit<DispatcherOptions, "permits"> {
  readonly integrations: Integrations;
  /** Who owns the journal now, and which build it is: for the record. */
  readonly owner: string;
  readonly build: string;
  readonly projectBuild?: string | null;
  readonly ends: LastEnds;
}

/** Reads the handler's record and its journal, and claims it. Nothing is delivered before `start`. */
export async function openDispatcher(options: OpenDispatcherOptions): Promise<Dispatcher> {
  const { spec, catalog, log, newId, limits, clock, logger, owner, build, projectBuild = null, ends, integrations } = options;
  const { configured, paused, newNames, skips, retiredAt, record } = await configureHandler({ log, newId, catalog, spec });
  const journal = await JournalStream.open({ log, newId, stream: configured.journal, start: firstPosition(configured), skips });
  const builds = { build, ...(projectBuild === null ? {} : { projectBuild }) };
  const claim = await journal.claim({ owner, ...builds, catalog: catalog.fingerprint, readAhead: limits.readAheadEvents }, ends);
  if (retiredAt !== null) await journal.append([{ type: "partition.reset", data: { checkpoint: retiredAt.toString() } }]);
  const wants = makeWants(configured);
  const passedOver = await skipPassedOver(newNames, { log, state: claim.state, wants, record: (facts) => journal.append(facts) });
  if (passedOver > 0)
    logger.error(
      { handler: spec.name, events: passedOver, types: newNames },
      "events under a new name were passed over by a build that did not know it, and are skipped: replay them as history where they matter",
    );
  await record();
  const permits = spec.integration === null ? null : await integrations.join(spec.integration.name);
  const partition = new Partition(
    {
      ordering: spec.ordering,
      record: spec.record,
      unknownOutcome: spec.unknownOutcome,
      concurrency: spec.concurrency,
      ...{ limits, permits, decisions: spec.decisions },
      wants,
      chainFingerprint: (type) => catalog.chainFingerprint(catalog.resolve(type) ?? type),
    },
    { ...claim, ...(retiredAt === null ? {} : { unclean: false }), nowMs: clock.now(), monotonicMs: clock.monotonicMs() },
  );
  return new Dispatcher({ ...options, permits }, { journal, partition, paused });
}
