import type { Command } from "commander";
import { everyTenant, isTenant } from "../event/names.ts";
import { usage } from "./exit.ts";

/** Commands, and groups of them, that ask a service for a tenant's things. */
const ofTenants = new Set(["status", "append", "events", "logs", "entities", "dlq", "errors", "escalations", "replay", "handlers", "views", "export"]);

/** `--tenant`, for whoever may name one. Other commands have a flag of that name for something else. */
export function addTenantFlags(program: Command): void {
  for (const command of program.commands) if (ofTenants.has(command.name())) addToLeaves(command);
}

function addToLeaves(command: Command): void {
  if (command.options.some(({ long }) => long === "--log")) return; // it reads a log itself, of all tenants
  if (command.commands.length === 0)
    command.option("--tenant <name>", "of this tenant (* in a list: of all), for a key of all tenants or without keys", tenant);
  for (const each of command.commands) addToLeaves(each);
}

function tenant(name: string): string {
  if (name === everyTenant || isTenant(name)) return name;
  throw usage(`--tenant is ${JSON.stringify(name)}: it must be a tenant's name, lower case, such as default, or * for all.`);
}
