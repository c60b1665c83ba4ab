import type { Command } from "commander";
import type { World } from "../command.ts";
import { addSchemaCensus } from "./schema-census.ts";
import { addSchemaLock } from "./schema-lock.ts";
import { addSchemaShow } from "./schema-show.ts";

/** `schema check | lock | census | show | diff`: work on files and logs, not on a service. */
export function addSchema(program: Command, world: World): void {
  const schema = program.command("schema").description("event types and their versions: check, record, count, show, compare");
  addSchemaLock(schema, world);
  addSchemaCensus(schema, world);
  addSchemaShow(schema, world);
}
