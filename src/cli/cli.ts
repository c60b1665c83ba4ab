import { Command, CommanderError } from "commander";
import { isRepriseError } from "../errors.ts";
import { build } from "../event/build.ts";
import { wantsColour } from "./colour.ts";
import { addGlobalOptions, type World } from "./command.ts";
import { addersFor } from "./commands.ts";
import { addExamples } from "./examples.ts";
import { exit, Failure, fromReprise } from "./exit.ts";
import { failureText, misuseText, wantsJson } from "./tell-failure.ts";
import { addTenantFlags } from "./tenant-flag.ts";
import { visibleOn } from "./terminal.ts";

/**
 * Runs one command.
 *
 * @param args without the names of Node and the script.
 * @returns the exit code; problems were told on standard error.
 */
export async function runCli(args: readonly string[], given: Omit<World, "exitCode">): Promise<number> {
  const { out = false, err = false } = given.terminal.tty ?? {};
  const inColour = { out: wantsColour(given.env, out), err: wantsColour(given.env, err) };
  const world: World = { ...given, terminal: visibleOn(given.terminal, inColour), exitCode: exit.ok };
  const { terminal } = world;
  const json = wantsJson(args);
  try {
    const program = await makeProgram(world, { json, args });
    await program.parseAsync(args, { from: "user" });
    return world.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exit.ok;
      if (json) terminal.err(misuseText(error));
      return exit.usage;
    }
    const failure = isRepriseError(error) ? fromReprise(error) : error;
    if (!(failure instanceof Failure)) throw error;
    terminal.err(failureText(failure, json));
    return failure.exitCode;
  }
}

/**
 * Every command with its flags: a test holds what messages and documents name against it.
 *
 * @param json misuse is told by the caller, as JSON.
 * @param args what was typed: where it begins with a command, that one alone. Default: all.
 */
export async function makeProgram(
  world: World,
  { json = false, args = [] }: { readonly json?: boolean; readonly args?: readonly string[] } = {},
): Promise<Command> {
  const { terminal } = world;
  const program = new Command("reprise")
    .description("An event-sourced replay store: events in order per entity, dead letters that keep their place in line, replay through upcasters.")
    .version(build, "-V, --version")
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: json ? () => {} : terminal.err })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("Add --help to see what it takes.")
    .addHelpText("after", "\nExit codes: 0 ok · 1 failed · 2 usage or config · 3 partly done · 4 refused · 5 unreachable · 6 the log cannot be synced");
  addGlobalOptions(program);
  for (const add of await addersFor(args)) add(program, world);
  addTenantFlags(program);
  addExamples(program);
  return program;
}
