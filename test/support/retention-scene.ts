/** A log with events of several entity types, and runs on it. */

import { z } from "zod";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { type Clock, systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import type { Archive } from "../../src/retention/archive/archive.ts";
import { openArchive } from "../../src/retention/archive/open-archive.ts";
import { Findings } from "../../src/retention/findings.ts";
import type { RetentionRule } from "../../src/retention/retention-rule.ts";
import { type RunNeeds, runRetention } from "../../src/retention/run.ts";
import type { RunProgress } from "../../src/retention/run-report.ts";

const catalog: Catalog = makeCatalog({ events: [defineEvent("order.placed", { 1: z.unknown() })], upcasters: [] });

export function anyProgress(): RunProgress {
  return { findings: new Findings([], 0), archived: 0, segments: 0, removed: 0, forgotten: 0, freedBytes: 0, owed: null };
}

export interface RunOnce {
  readonly rules: readonly RetentionRule[];
  readonly handlers?: readonly string[];
  readonly nowMs?: number;
  readonly dryRun?: boolean;
  readonly eventsPerSecond?: number | null;
  readonly openArchive?: (url: string) => Promise<Archive>;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly life?: string;
}

/** One run, as the service and the command line make it. */
export async function runOnce(log: EventLog, options: RunOnce): Promise<RunProgress> {
  const { rules, handlers = [], dryRun = false, eventsPerSecond = null, signal = new AbortController().signal, nowMs } = options;
  const clock = options.clock ?? (nowMs === undefined ? systemClock : { ...systemClock, now: () => nowMs });
  const progress = anyProgress();
  const needs: RunNeeds = {
    ...{ log, catalog, rules, clock, newId, life: options.life ?? newId(), handlers: new Set(handlers) },
    openArchive: options.openArchive ?? ((url) => openArchive(url, log.logId, { clock })),
  };
  await runRetention(needs, { runId: newId(), actor: "local", reason: null, dryRun, eventsPerSecond, progress, signal });
  return progress;
}
