import { makeTurns } from "../../../event/turns.ts";
import type { ViewDatabase } from "../../database.ts";
import type { DeadLetterFilter } from "../../model/dead-letter.ts";
import { allOf, type Condition, oneOf } from "../context.ts";

/** Kinds of dead letters that one statement adds up. */
const kindsAtOnce = 2000;

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
