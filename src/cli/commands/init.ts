import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative, resolve } from "node:path";
import type { Command } from "commander";
import type { World } from "../command.ts";
import { exit, Failure, usage } from "../exit.ts";
import { type ManifestChange, manifestFor } from "../scaffold/manifest.ts";
import { code, compose, gitignore, tsconfig } from "../scaffold/templates.ts";
import { isThere, onDisk, writeNew } from "../scaffold/write-new.ts";
import { shellWord } from "../status/shell-word.ts";

export function addInit(program: Command, { terminal, cwd = process.cwd() }: World): void {
  program
    .command("init [folder]")
    .description("make a project that runs: config, schemas, an upcaster, a handler, a test. Asks nothing, and changes no file of yours but package.json")
    .option("--compose", "also a compose file with EventStoreDB, for a log on a server")
    .action((given: string | undefined, { compose: withCompose = false }: { readonly compose?: boolean }) => {
      const folder = resolve(cwd, given ?? ".");
      const made = onDisk(() => make(folder, withCompose));
      terminal.out(toldOf({ ...made, folder, way: relative(cwd, folder), withCompose }));
    });
}

function make(folder: string, withCompose: boolean): Pick<Made, "manifest" | "kept" | "written"> {
  checkFolder(folder);
  const manifest = manifestFor(folder);
  const beside = { "tsconfig.json": tsconfig, ".gitignore": gitignore, ...(withCompose ? { "compose.yml": compose } : {}) };
  const kept = Object.keys(beside).filter((path) => isThere(folder, path));
  const files = { ...code, ...Object.fromEntries(Object.entries(beside).filter(([path]) => !kept.includes(path))) };
  mkdirSync(folder, { recursive: true });
  writeNew(folder, manifest?.added === null ? { "package.json": manifest.text, ...files } : files);
  if (manifest !== null && manifest.added !== null) writeFileSync(join(folder, "package.json"), manifest.text);
  return { manifest, kept, written: Object.keys(files) };
}

/** @throws exit 2 for what is no folder, exit 4 for one that has such files. */
function checkFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) throw usage(`${folder} is no folder. Nothing was written.`);
  readdirSync(folder); // one that cannot be read is told as such
  const there = Object.keys(code).filter((path) => isThere(folder, path));
  if (there.length === 0) return;
  throw new Failure(
    exit.refused,
    `${folder} has ${there.slice(0, 3).join(", ")}${there.length > 3 ? ` and ${there.length - 3} more of the files` : ""} that would be written. Nothing was written.\nName another folder. To a project that is there, \`reprise add event <type>\` and \`reprise add version <type>\` add.`,
  );
}

interface Made {
  readonly folder: string;
  /** To it, from where the command was typed. */
  readonly way: string;
  readonly manifest: ManifestChange | null;
  readonly kept: readonly string[];
  readonly written: readonly string[];
  readonly withCompose: boolean;
}

function toldOf({ folder, way, manifest, kept, written, withCompose }: Made): string {
  const lines = [`Made a project in ${folder}:`, ...(manifest?.added === null ? ["  package.json"] : []), ...written.map((path) => `  ${path}`)];
  if (manifest?.added) lines.push(`package.json was there; it has now ${manifest.added.join(", ")}.`);
  if (kept.length > 0) lines.push(`Left as ${kept.length === 1 ? "it was" : "they were"}: ${kept.join(", ")}.`);
  return `${[...lines, "", "What follows:", "", ...commandsOf(folder, way, withCompose), ""].join("\n")}\n`;
}

/** Each as it is typed. */
function commandsOf(folder: string, way: string, withCompose: boolean): readonly string[] {
  const missing = ["reprise", "zod"].filter((name) => !canResolve(folder, name));
  const first = [
    ...(way === "" ? [] : [`cd ${shellWord(way) ?? JSON.stringify(way)}`]),
    ...(missing.length > 0 ? [`npm install ${missing.join(" ")}`] : []),
    "npm test",
    "npx reprise serve",
  ];
  const second = [
    "touch mail-is-down",
    `npx reprise append --type order.placed --schema-version 1 --entity order/1 --data '{"total":12.5}'`,
    `npx reprise append --type order.placed --entity order/1 --data '{"totalCents":900}'`,
    "npx reprise dlq ls",
    "rm mail-is-down",
    'npx reprise dlq replay --error "Error: the mail server does not answer" --reason "mail is back" --yes',
    "npx reprise handlers ls",
  ];
  const more = withCompose ? ["", "compose.yml says at its top how the log goes on a server."] : [];
  return [
    ...first.map((line) => `  ${line}`),
    "",
    "In a second terminal, in the same folder: an outage, two events, its end, a replay.",
    "",
    ...second.map((line) => `  ${line}`),
    "",
    "A field that is misspelt, missing or too much does not compile: npm i -D typescript @types/node, then npx tsc",
    ...more,
  ];
}

/** From the project's files; in the project's own package.json it need not be. */
function canResolve(folder: string, name: string): boolean {
  try {
    createRequire(join(folder, "reprise.config.ts")).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
