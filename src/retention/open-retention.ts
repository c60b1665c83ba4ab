/** Puts the runs of a store together. */
import type { Catalog } from "../catalog/catalog.ts";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import type { Clock } from "../event/clock.ts";
import type { NewId } from "../event/ids.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ArchiveCredentials, RetentionPace, RetentionRule } from "./retention-rule.ts";
import { makeRetention, type Retention } from "./runs.ts";

interface OpenNeeds {
  readonly config: {
    readonly retention: readonly RetentionRule[];
    readonly retentionPace: Required<RetentionPace>;
    readonly archiveCredentials: ArchiveCredentials | undefined;
    readonly handlers: readonly { readonly name: string }[];
  };
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
  /** Id of this process. */
  readonly life: string;
  readonly delivery: { readonly cluster: { readonly membership: { has(life: string): boolean } } | null };
}

export function openRetention({ config, logger, delivery, ...needs }: OpenNeeds): Retention {
  return makeRetention({
    ...{ ...needs, rules: config.retention, pace: config.retentionPace, handlers: new Set(config.handlers.map(({ name }) => name)) },
    isAtWork: (life) => delivery.cluster?.membership.has(life) ?? null,
    // Loaded by the first run: most services have no archive.
    openArchive: async (url) =>
      (await import("./archive/open-archive.ts")).openArchive(url, needs.log.logId, { clock: needs.clock, credentials: config.archiveCredentials }),
    onTrouble: (err) => logger.warn({ err }, "a run that archives events did not come to its end; it is tried again, and goes on there"),
    onRun(run) {
      const { id: run_id, state, archived, removed, segments, freedBytes, owed } = run;
      const held = run.held.reduce((sum, { events }) => sum + events, 0);
      if (run.dryRun || (archived === 0 && removed === 0)) return;
      logger.info({ run_id, state, archived, removed, segments, held_back: held, freed_bytes: freedBytes, owed }, "events were archived");
    },
  });
}
