import type { Sources } from "./context.ts";

/** Entities of one name: of each entity type one, at most. */
export function entitiesNamed({ db }: Pick<Sources, "db">, tenant: string, id: string, type?: string): readonly number[] {
  const sql = "select id from entities indexed by entities_by_name where tenant = ? and entity = ?";
  const rows =
    type === undefined ? db().all<{ id: number }>(`${sql} order by id`, tenant, id) : db().all<{ id: number }>(`${sql} and type = ?`, tenant, id, type);
  return rows.map((row) => row.id);
}
