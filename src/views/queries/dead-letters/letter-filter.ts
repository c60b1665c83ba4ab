import { toIso } from "../../../event/clock.ts";
import { everyTenant } from "../../../event/names.ts";
import type { ViewDatabase } from "../../database.ts";
import type { DeadLetterFilter } from "../../model/dead-letter.ts";
import { type Condition, ofTenant, oneOf, type Sources, storedTypes } from "../context.ts";
import { entitiesNamed } from "../entities-named.ts";

/** What is read of the rows: from a connection of its own, where a request looks at one moment over several turns. */
export type LetterSources = Pick<Sources, "catalog" | "db">;

/** Dead letters under a replay that waits for its retry are `failed` meanwhile: in no list. */
export const isLetter: Condition = { sql: "d.letter = 1 and d.status <> 'failed'", parameters: [] };

/** They are dead letters, or were. */
export const hasBeenLetter: Condition = { sql: "d.dead_lettered_at is not null", parameters: [] };

/** The rows whose keys a select gives. */
export const withKeys = (keys: string) => `(${keys}) k cross join deliveries d on d.entity = k.entity and d.revision = k.revision and d.handler = k.handler`;

/** What an `error` of a filter may mean: a type, or a type and a message. A type may hold `: ` itself, so each place is tried. */
function* readingsOf(error: string): Generator<readonly [type: string, message: string]> {
  for (let at = error.indexOf(": "); at !== -1; at = error.indexOf(": ", at + 1)) yield [error.slice(0, at), error.slice(at + 2)];
}

export const oneMore = "select error_message as message from deliveries indexed by letters_by_error where letter = 1 and tenant = ? and error_type = ?";

/** Of all tenants no index tells which ones there are. */
const maxReadings = 100;

export function knownReadings(db: ViewDatabase, tenant: string, error: string): readonly (readonly [string, string])[] {
  if (tenant === everyTenant) return [...readingsOf(error)].slice(0, maxReadings);
  return [...readingsOf(error)].filter(([type, message]) => db.get(`${oneMore} and error_message = ? limit 1`, tenant, type, message) !== undefined);
}

function errorCondition({ db }: LetterSources, tenant: string, error: string): Condition {
  const exact = knownReadings(db(), tenant, error).map((pair) => ({ sql: "(d.error_type = ? and d.error_message = ?)", parameters: pair }));
  const conditions: readonly Condition[] = [{ sql: "d.error_type = ?", parameters: [error] }, ...exact];
  return { sql: `(${conditions.map(({ sql }) => sql).join(" or ")})`, parameters: conditions.flatMap(({ parameters }) => parameters) };
}

/** What dead letters are alike in, as `letter_counts` has it, too. */
export function kindConditions(sources: LetterSources, filter: DeadLetterFilter): Condition[] {
  const conditions: Condition[] = [...ofTenant("d.tenant", filter.tenant)];
  const equal = (column: string, value: string | undefined) => {
    if (value !== undefined) conditions.push(oneOf(column, [value]));
  };
  if (filter.eventType !== undefined) conditions.push(oneOf("d.type", storedTypes(sources.catalog, filter.eventType)));
  equal("d.source", filter.source);
  equal("d.handler", filter.handler);
  equal("d.entity_type", filter.entityType);
  equal("d.cause", filter.cause);
  equal("d.error_group", filter.errorGroup);
  if (filter.errorLike !== undefined) conditions.push({ sql: "instr(d.error_type || ': ' || d.error_message, ?) > 0", parameters: [filter.errorLike] });
  if (filter.error !== undefined) conditions.push(errorCondition(sources, filter.tenant, filter.error));
  return conditions;
}

export function filterConditions(sources: LetterSources, filter: DeadLetterFilter): readonly Condition[] {
  const conditions: Condition[] = [isLetter, ...kindConditions(sources, filter)];
  if (filter.escalated !== undefined) conditions.push({ sql: `d.escalated = ${filter.escalated}`, parameters: [] });
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
