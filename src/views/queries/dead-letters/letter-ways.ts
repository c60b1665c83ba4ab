import { toIso } from "../../../event/clock.ts";
import { everyTenant } from "../../../event/names.ts";
import type { ViewDatabase } from "../../database.ts";
import type { DeadLetterFilter } from "../../model/dead-letter.ts";
import { allOf, oneOf, storedTypes } from "../context.ts";
import { entitiesNamed } from "../entities-named.ts";
import { by, byAny, type Direction, letters, maxUnordered, type Step, stepsOf, tenantsOf, unordered, type Way } from "../ways.ts";
import { knownReadings, type LetterSources, oneMore } from "./letter-filter.ts";

/** Messages of one error type that make a way of their own. */
const maxMessages = 20;

/** The dead letters that a filter may mean, in the order of their events. */
export function lettersOf(sources: LetterSources, filter: DeadLetterFilter, direction: Direction, high = Number.MAX_SAFE_INTEGER): AsyncGenerator<Step, void> {
  return stepsOf(sources.db, letters, waysOf(sources, filter), direction, { low: 0, high });
}

/** Those that narrow most come first: the first one is walked where none has few rows. */
function waysOf(sources: LetterSources, filter: DeadLetterFilter): [Way, ...Way[]] {
  const { tenant, handler, eventType, source, entityId, replayId, sinceMs, untilMs, error, errorGroup } = filter;
  const ways: Way[] = [];
  const push = (way: Way | null) => {
    if (way !== null) ways.push(way);
  };
  const tenants = tenantsOf(sources, tenant);
  if (error !== undefined && tenant !== everyTenant) for (const way of errorWays(sources.db(), tenant, error)) push(way);
  if (errorGroup !== undefined) push(byAny("letters_by_group", ["tenant", tenants], ["error_group", [errorGroup]]));
  if (replayId !== undefined) push(by("letters_by_replay", ["replay_id", replayId]));
  if (source !== undefined) push(byAny("letters_by_source", ["tenant", tenants], ["source", [source]]));
  if (handler !== undefined) push(byAny("letters_by_handler", ["handler", [handler]], ["tenant", tenants]));
  if (eventType !== undefined) push(byAny("letters_by_type", ["tenant", tenants], ["type", storedTypes(sources.catalog, eventType)]));
  if (entityId !== undefined) {
    const named = [-1, ...entitiesNamed(sources, tenant, entityId)];
    if (named.length <= maxUnordered) push(unordered(null, "entity", named));
  }
  if ((sinceMs !== undefined || untilMs !== undefined) && tenant !== everyTenant) {
    const since = { sql: "dead_lettered_at >= ?", parameters: [toIso(sinceMs ?? 0)] };
    const until = untilMs === undefined ? [] : [{ sql: "dead_lettered_at < ?", parameters: [toIso(untilMs)] }];
    ways.push({ index: "letters_by_time", alternatives: [allOf([oneOf("tenant", [tenant]), since, ...until])], ordered: false });
  }
  const all = byAny("letters_by_tenant", ["tenant", tenants]) ?? ofAll;
  const [first, ...others] = ways;
  if (first === undefined) return [all];
  return ways.some(({ ordered }) => ordered) ? [first, ...others] : [all, ...ways];
}

/** An index for all tenants holds every delivery, and dead letters by their status. */
const ofAll: Way = { ...byAny("deliveries_by_status", ["status", ["dead_lettered", "escalated"]])!, whole: true };

/** Positions are behind the message: a type alone is a way only while its messages are few. */
function errorWays(db: ViewDatabase, tenant: string, error: string): readonly Way[] {
  const messages: string[] = [];
  for (let last: string | null = null; messages.length <= maxMessages; ) {
    const next: { readonly message: string } | undefined =
      last === null
        ? db.get(`${oneMore} order by error_message limit 1`, tenant, error)
        : db.get(`${oneMore} and error_message > ? order by error_message limit 1`, tenant, error, last);
    if (next === undefined) break;
    messages.push((last = next.message));
  }
  if (messages.length > maxMessages) return [];
  const pairs = [...messages.map((message) => [error, message] as const), ...knownReadings(db, tenant, error)];
  if (pairs.length === 0) return [unordered(null, "entity", [-1])]; // nothing is alike
  const alternatives = pairs.flatMap(
    ([type, message]) => by("letters_by_error", ["tenant", tenant], ["error_type", type], ["error_message", message]).alternatives,
  );
  return [{ index: "letters_by_error", alternatives, ordered: true }];
}
