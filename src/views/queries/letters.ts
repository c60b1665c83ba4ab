/** Dead letters by filter: where they are found, a page of them, and how many there are. */
import { toIso } from "../../event/clock.ts";
import { makeTurns } from "../../event/turns.ts";
import type { ViewDatabase } from "../database.ts";
import type { DeadLetterFilter } from "../model/dead-letter.ts";
import { allOf, type Condition, oneOf, type Sources, storedTypes } from "./context.ts";
import { toCursor } from "./cursor.ts";
import { entitiesNamed } from "./entities-named.ts";
import { by, byEach, type Direction, letters, rowsPerPage, type Step, stepsOf, unordered, type Way } from "./ways.ts";

/** What is read of the rows: from a connection of its own, where a request looks at one moment over several turns. */
export type LetterSources = Pick<Sources, "catalog" | "db">;

/** Dead letters under a replay that waits for its retry are `failed` meanwhile: in no list. */
export const isLetter: Condition = { sql: "d.letter = 1 and d.status <> 'failed'", parameters: [] };

/** The rows whose keys a select gives. */
export const withKeys = (keys: string) => `(${keys}) k cross join deliveries d on d.entity = k.entity and d.revision = k.revision and d.handler = k.handler`;

/** Messages of one error type that make a way of their own. */
const maxMessages = 20;
/** Kinds of dead letters that one statement adds up. */
const kindsAtOnce = 2000;

/** The dead letters that a filter may mean, in the order of their events. */
export function lettersOf(sources: LetterSources, filter: DeadLetterFilter, direction: Direction, high = Number.MAX_SAFE_INTEGER): AsyncGenerator<Step, void> {
  return stepsOf(sources.db, letters, waysOf(sources, filter), direction, { low: 0, high });
}

/** Newest event first. The cursor goes on behind what was looked at, also when that was less than a page of matches. */
export async function letterPage<Row extends { readonly position: number; readonly handler: string }>(
  sources: LetterSources,
  filter: DeadLetterFilter,
  {
    select,
    limit,
    after,
    offset,
  }: { readonly select: (from: string) => string; readonly limit: number; readonly after: readonly [number, string] | null; readonly offset: number },
): Promise<{ readonly rows: readonly Row[]; readonly nextCursor: string | null }> {
  const { sql, parameters } = allOf([
    ...filterConditions(sources, filter),
    ...(after === null ? [] : [{ sql: "(d.position, d.handler) < (?, ?)", parameters: after }]),
  ]);
  const rows: Row[] = [];
  let toSkip = offset;
  let left = rowsPerPage;
  for await (const { keys, rows: looked, reached } of lettersOf(sources, filter, "down", after?.[0])) {
    const values = [...keys.parameters, ...parameters];
    const from = `${select(withKeys(keys.sql))} where ${sql} order by d.position desc, d.handler desc limit ? offset ?`;
    const found = sources.db().all<Row>(from, ...values, limit + 1 - rows.length, toSkip);
    for (const row of found) rows.push(row);
    if (toSkip > 0) {
      const { matching } = sources.db().get<{ matching: number }>(`select count(*) as matching from ${withKeys(keys.sql)} where ${sql}`, ...values)!;
      toSkip = Math.max(0, toSkip - matching);
    }
    if (rows.length > limit) {
      const last = rows[limit - 1]!;
      return { rows: rows.slice(0, limit), nextCursor: toCursor("dead_letters", last.position, last.handler) };
    }
    left -= looked;
    // An offset goes on nowhere, so it is looked for to its end.
    if (left <= 0 && reached !== null && offset === 0) return { rows, nextCursor: toCursor("dead_letters", reached, "") };
  }
  return { rows, nextCursor: null };
}

/** By their kinds, where the filter allows it, else one by one. */
export async function countLetters(sources: LetterSources, filter: DeadLetterFilter): Promise<number> {
  if (!isByKind(filter)) return countOneByOne(sources, filter, []);
  const conditions = allOf(kindConditions(sources, filter));
  let total = 0;
  for await (const { sql, parameters } of kindsOf(sources.db, filter))
    total +=
      sources
        .db()
        .get<{ total: number | null }>(
          `select sum(letters) as total from letter_counts d where ${sql} and ${conditions.sql}`,
          ...parameters,
          ...conditions.parameters,
        )!.total ?? 0;
  return total;
}

export async function countOneByOne(sources: LetterSources, filter: DeadLetterFilter, more: readonly Condition[]): Promise<number> {
  const { sql, parameters } = allOf([...filterConditions(sources, filter), ...more]);
  let count = 0;
  for await (const { keys } of lettersOf(sources, filter, "up"))
    count += sources.db().get<{ count: number }>(`select count(*) as count from ${withKeys(keys.sql)} where ${sql}`, ...keys.parameters, ...parameters)!.count;
  return count;
}

/** Whether `letter_counts` tells apart all that the filter does. */
export function isByKind({ entityId, replayId, sinceMs, untilMs }: DeadLetterFilter): boolean {
  return entityId === undefined && replayId === undefined && sinceMs === undefined && untilMs === undefined;
}

const kindColumns = ["handler", "entity_type", "type", "has_source", "source", "cause", "error_type", "error_message"] as const;
type KindRow = Readonly<Record<(typeof kindColumns)[number], string | number>>;

/** Conditions on `letter_counts d`, each of which leaves a bounded part of the filter's kinds: messages may be as many as dead letters. */
export async function* kindsOf(db: () => ViewDatabase, { tenant, handler }: DeadLetterFilter): AsyncGenerator<Condition, void> {
  const turns = makeTurns();
  const columns = kindColumns.map((column) => `d.${column}`).join(", ");
  const same = allOf([oneOf("d.tenant", [tenant]), ...(handler === undefined ? [] : [oneOf("d.handler", [handler])])]);
  const beyond = (values: readonly (string | number)[]): Condition => ({ sql: `(${columns}) > (${values.map(() => "?").join(", ")})`, parameters: values });
  for (let after: Condition = { sql: "true", parameters: [] }; ; ) {
    if (turns.due()) await turns.next();
    const part = allOf([same, after]);
    const last = db().get<KindRow>(
      `select ${columns} from letter_counts d where ${part.sql} order by d.tenant, ${columns} limit 1 offset ${kindsAtOnce}`,
      ...part.parameters,
    );
    if (last === undefined) {
      yield part;
      return;
    }
    const values = kindColumns.map((column) => last[column]);
    const upTo: Condition = { sql: `(${columns}) <= (${values.map(() => "?").join(", ")})`, parameters: values };
    yield allOf([part, upTo]);
    after = beyond(values);
  }
}

/** Those that narrow most come first: the first one is walked where none has few rows. */
function waysOf(sources: LetterSources, filter: DeadLetterFilter): [Way, ...Way[]] {
  const { tenant, handler, eventType, source, entityId, replayId, sinceMs, untilMs, error } = filter;
  const ways: Way[] = [];
  if (error !== undefined) for (const way of errorWays(sources.db(), tenant, error)) ways.push(way);
  if (replayId !== undefined) ways.push(by("letters_by_replay", ["replay_id", replayId]));
  if (source !== undefined) ways.push(by("letters_by_source", ["tenant", tenant], ["source", source]));
  if (handler !== undefined) ways.push(by("letters_by_handler", ["handler", handler], ["tenant", tenant]));
  if (eventType !== undefined) ways.push(byEach("letters_by_type", [["tenant", tenant]], "type", storedTypes(sources.catalog, eventType)));
  if (entityId !== undefined) ways.push(unordered(null, "entity", [-1, ...entitiesNamed(sources, tenant, entityId)]));
  if (sinceMs !== undefined || untilMs !== undefined) {
    const since = { sql: "dead_lettered_at >= ?", parameters: [toIso(sinceMs ?? 0)] };
    const until = untilMs === undefined ? [] : [{ sql: "dead_lettered_at < ?", parameters: [toIso(untilMs)] }];
    ways.push({ index: "letters_by_time", alternatives: [allOf([oneOf("tenant", [tenant]), since, ...until])], ordered: false });
  }
  const all = by("letters_by_tenant", ["tenant", tenant]);
  const [first, ...others] = ways;
  if (first === undefined) return [all];
  return ways.some(({ ordered }) => ordered) ? [first, ...others] : [all, ...ways];
}

/** What an `error` of a filter may mean: a type, or a type and a message. A type may hold `: ` itself, so each place is tried. */
function* readingsOf(error: string): Generator<readonly [type: string, message: string]> {
  for (let at = error.indexOf(": "); at !== -1; at = error.indexOf(": ", at + 1)) yield [error.slice(0, at), error.slice(at + 2)];
}

const oneMore = "select error_message as message from deliveries indexed by letters_by_error where letter = 1 and tenant = ? and error_type = ?";

function knownReadings(db: ViewDatabase, tenant: string, error: string): readonly (readonly [string, string])[] {
  return [...readingsOf(error)].filter(([type, message]) => db.get(`${oneMore} and error_message = ? limit 1`, tenant, type, message) !== undefined);
}

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

function errorCondition({ db }: LetterSources, tenant: string, error: string): Condition {
  const exact = knownReadings(db(), tenant, error).map((pair) => ({ sql: "(d.error_type = ? and d.error_message = ?)", parameters: pair }));
  const conditions: readonly Condition[] = [{ sql: "d.error_type = ?", parameters: [error] }, ...exact];
  return { sql: `(${conditions.map(({ sql }) => sql).join(" or ")})`, parameters: conditions.flatMap(({ parameters }) => parameters) };
}

/** What dead letters are alike in, as `letter_counts` has it, too. */
export function kindConditions(sources: LetterSources, filter: DeadLetterFilter): Condition[] {
  const conditions: Condition[] = [oneOf("d.tenant", [filter.tenant])];
  const equal = (column: string, value: string | undefined) => {
    if (value !== undefined) conditions.push(oneOf(column, [value]));
  };
  if (filter.eventType !== undefined) conditions.push(oneOf("d.type", storedTypes(sources.catalog, filter.eventType)));
  equal("d.source", filter.source);
  equal("d.handler", filter.handler);
  equal("d.entity_type", filter.entityType);
  equal("d.cause", filter.cause);
  if (filter.error !== undefined) conditions.push(errorCondition(sources, filter.tenant, filter.error));
  return conditions;
}

export function filterConditions(sources: LetterSources, filter: DeadLetterFilter): readonly Condition[] {
  const conditions: Condition[] = [isLetter, ...kindConditions(sources, filter)];
  if (filter.replayId !== undefined) conditions.push(oneOf("d.replay_id", [filter.replayId]));
  if (filter.entityId !== undefined) {
    const entities = entitiesNamed(sources, filter.tenant, filter.entityId);
    conditions.push(entities.length === 0 ? { sql: "false", parameters: [] } : oneOf("d.entity", entities));
  }
  // Times of the log are written alike, so that they compare as text.
  if (filter.sinceMs !== undefined) conditions.push({ sql: "d.dead_lettered_at >= ?", parameters: [toIso(filter.sinceMs)] });
  if (filter.untilMs !== undefined) conditions.push({ sql: "d.dead_lettered_at < ?", parameters: [toIso(filter.untilMs)] });
  return conditions;
}
