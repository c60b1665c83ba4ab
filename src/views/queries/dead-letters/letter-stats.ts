/** What dead letters of a filter have in common, counted part by part. */

import { everyTenant } from "../../../event/names.ts";
import { makeTurns } from "../../../event/turns.ts";
import type { DeadLetterFigures, DeadLetterFilter, DeadLetterStats, LeftOut } from "../../model/dead-letter.ts";
import { allOf, currentType, type Sources } from "../context.ts";
import { rowsAtOnce } from "../ways.ts";
import { countBehind } from "./count-behind.ts";
import { filterConditions, kindConditions, withKeys } from "./letter-filter.ts";
import { isByKind, kindsOf } from "./letter-kinds.ts";
import { lettersOf } from "./letter-ways.ts";

const topErrors = 10;

/** A caller may name as many sources as it has events, so only the largest are shown. */
const topSources = 1000;

export function makeDeadLetterFigures(sources: Sources): DeadLetterFigures {
  return {
    deadLetterStats: (filter) => sources.atOneMoment((at) => statsOf(at, filter)),
    oldestLetterAt: (filter) => sources.atOneMoment((at) => oldestOf(at, filter)),
  };
}

interface Kind {
  readonly type: string;
  readonly handler: string;
  readonly source: string | null;
  readonly error: string;
  readonly count: number;
}

async function statsOf(sources: Sources, filter: DeadLetterFilter): Promise<DeadLetterStats> {
  const counts = {
    type: new Map<string, number>(),
    handler: new Map<string, number>(),
    source: new Map<string | null, number>(),
    error: new Map<string, number>(),
  };
  let total = 0;
  const add = ({ type, handler, source, error, count }: Kind) => {
    total += count;
    increase(counts.type, currentType(sources.catalog, type), count);
    increase(counts.handler, handler, count);
    increase(counts.source, source, count);
    increase(counts.error, error, count);
  };
  const matching = allOf(filterConditions(sources, filter));
  if (isByKind(filter)) {
    const same = allOf(kindConditions(sources, filter));
    for await (const { sql, parameters } of kindsOf(sources.db, filter))
      for (const kind of sources.db().all<Kind>(
        `select d.type, d.handler, iif(d.has_source, d.source, null) as source, d.error_type || ': ' || d.error_message as error, sum(d.letters) as count
             from letter_counts d where ${sql} and ${same.sql} group by 1, 2, 3, 4`,
        ...parameters,
        ...same.parameters,
      ))
        add(kind);
  } else
    for await (const { keys } of lettersOf(sources, filter, "up"))
      for (const kind of sources.db().all<Kind>(
        `select d.type, d.handler, d.source, d.error_type || ': ' || d.error_message as error, count(*) as count
             from ${withKeys(keys.sql)} where ${matching.sql} group by 1, 2, 3, 4`,
        ...keys.parameters,
        ...matching.parameters,
      ))
        add(kind);
  const errors = largest(counts.error, topErrors);
  const bySource = largest(counts.source, topSources);
  return {
    total,
    waiting: total === 0 ? 0 : await countBehind(sources, filter),
    oldestAt: total === 0 ? null : await oldestOf(sources, filter),
    byEventType: largest(counts.type).map(([eventType, count]) => ({ eventType, count })),
    byHandler: largest(counts.handler).map(([handler, count]) => ({ handler, count })),
    bySource: bySource.map(([source, count]) => ({ source, count })),
    topErrors: errors.map(([error, count]) => ({ error, count })),
    leftOut: { errors: leftOut(counts.error, errors, total), sources: leftOut(counts.source, bySource, total) },
  };
}

function increase<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** By count, then by name; null first. */
function largest<K extends string | null>(counts: ReadonlyMap<K, number>, limit = Number.MAX_SAFE_INTEGER): readonly (readonly [K, number])[] {
  return [...counts].sort(([a, n], [b, m]) => m - n || (a === b ? 0 : a === null || (b !== null && a < b) ? -1 : 1)).slice(0, limit);
}

/** What is not among those that are shown. */
function leftOut(all: ReadonlyMap<unknown, number>, shown: readonly (readonly [unknown, number])[], total: number): LeftOut {
  return { kinds: all.size - shown.length, count: total - shown.reduce((sum, [, count]) => sum + count, 0) };
}

/** By kind: in the order in which they became dead letters, until one matches; else among those that the filter leaves. */
async function oldestOf(sources: Sources, filter: DeadLetterFilter): Promise<string | null> {
  const { sql, parameters } = allOf(filterConditions(sources, filter));
  const oldestIn = (from: string, values: readonly (string | number)[]) =>
    sources.db().get<{ at: string | null }>(`select min(d.dead_lettered_at) as at from ${from} where ${sql}`, ...values, ...parameters)!.at;
  if (isByKind(filter) && filter.tenant === everyTenant) {
    let oldest: string | null = null;
    for (const tenant of tenantsWithLetters(sources)) {
      const at = await oldestOf(sources, { ...filter, tenant });
      if (at !== null && (oldest === null || at < oldest)) oldest = at;
    }
    return oldest;
  }
  if (!isByKind(filter)) {
    let oldest: string | null = null;
    for await (const { keys } of lettersOf(sources, filter, "up")) {
      const at = oldestIn(withKeys(keys.sql), keys.parameters);
      if (at !== null && (oldest === null || at < oldest)) oldest = at;
    }
    return oldest;
  }
  const turns = makeTurns();
  const byTime = "from deliveries indexed by letters_by_time where letter = 1 and tenant = ? and dead_lettered_at > ?";
  for (let after = ""; ; ) {
    if (turns.due()) await turns.next();
    const { rows, last } = sources
      .db()
      .get<{ rows: number; last: string | null }>(
        `select count(*) as rows, max(at) as last from (select dead_lettered_at as at ${byTime} order by dead_lettered_at limit ${rowsAtOnce})`,
        filter.tenant,
        after,
      )!;
    if (last === null) return null;
    const at = oldestIn(withKeys(`select entity, revision, handler ${byTime} and dead_lettered_at <= ?`), [filter.tenant, after, last]);
    if (at !== null || rows < rowsAtOnce) return at;
    after = last;
  }
}

function* tenantsWithLetters({ db }: Sources): Generator<string, void> {
  for (let last = ""; ; ) {
    const next = db().get<{ tenant: string }>("select tenant from letter_counts where tenant > ? order by tenant limit 1", last);
    if (next === undefined) return;
    yield (last = next.tenant);
  }
}
