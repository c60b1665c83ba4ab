import { allOf, ofTenant, oneOf, type Sources } from "./context.ts";

/** Entities of one name: of each entity type of a tenant one, at most. */
export function entitiesNamed({ db }: Pick<Sources, "db">, tenant: string, id: string, type?: string): readonly number[] {
  const { sql, parameters } = allOf([oneOf("entity", [id]), ...ofTenant("tenant", tenant), ...(type === undefined ? [] : [oneOf("type", [type])])]);
  return db()
    .all<{ id: number }>(`select id from entities indexed by entities_by_name where ${sql} order by id`, ...parameters)
    .map((row) => row.id);
}
