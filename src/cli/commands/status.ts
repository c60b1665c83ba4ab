import type { Command } from "commander";
import { everyTenant } from "../../event/names.ts";
import { statusWord } from "../colour.ts";
import { openSession, type Session, type World } from "../command.ts";
import { exit, usage } from "../exit.ts";
import { countText, fields } from "../print.ts";
import { type Look, look } from "../status/look.ts";

/** Two lines each: they and what stands around them fit on a screen of 24 lines. */
const shownMatters = 10;

/** `status`: what is wrong now, on one screen, with the next command to type. */
export function addStatus(program: Command, world: World): void {
  program
    .command("status")
    .description("what is wrong now, on one screen, each with the next command to type; changes nothing")
    .addHelpText("after", "\nExit 0: all is well. Exit 1: something is wrong.")
    .action(async (_flags: unknown, command: Command) => {
      const session = openSession(command, world);
      if (session.tenant === everyTenant) throw usage("status is of one tenant, because what it tells to type is: name one with --tenant.");
      const found = await look(session.client);
      print(session, found);
      if (found.matters.some(({ wrong }) => wrong)) world.exitCode = exit.failed;
    });
}

function print({ terminal, output, quiet, url, tenant }: Session, { ready, handlers, matters: found }: Look): void {
  const matters = found.map((matter) => ({ ...matter, next: asTenant(matter.next, tenant) }));
  const wrong = matters.filter((matter) => matter.wrong).length;
  if (quiet) for (const { kind } of matters.filter((matter) => matter.wrong)) terminal.out(`${kind}\n`);
  else if (output === "json") terminal.out(JSON.stringify({ ok: wrong === 0, ready, handlers, matters }, null, 2) + "\n");
  else if (output === "ndjson") for (const matter of matters) terminal.out(JSON.stringify(matter) + "\n");
  else {
    const state = wrong === 0 ? `All is well at ${url}: ${countText(handlers, "handler")}, nothing stands still, no dead letters.\n` : "";
    const shown = matters.slice(0, shownMatters);
    const lines = shown.flatMap(({ wrong: isWrong, found: said, next }): (readonly [string, string])[] => [
      [isWrong ? "wrong" : "now", said],
      ["", next],
    ]);
    const more = matters.length - shown.length;
    // Only our own word can stand at the start of a line.
    const told = fields(lines).replace(/^wrong(?= )/gm, statusWord("wrong"));
    terminal.out(state + told + (more > 0 ? `… and ${more} more: reprise status -o json\n` : ""));
  }
}

/** The same command for the tenant that this one was for. `doctor` is of the whole service. */
function asTenant(next: string, tenant: string | undefined): string {
  return tenant === undefined || next.startsWith("reprise doctor") ? next : `${next} --tenant ${tenant}`;
}
