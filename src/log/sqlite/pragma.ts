import type { DatabaseSync } from "node:sqlite";

export function pragma(db: DatabaseSync, name: "application_id" | "user_version"): number {
  return Number(Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0]);
}
