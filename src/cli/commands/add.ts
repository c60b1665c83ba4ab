import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { maxVersions } from "../../catalog/define.ts";
import type { World } from "../command.ts";
import { exit, Failure, usage } from "../exit.ts";
import { type ProjectType, schemaFile, stepFile } from "../scaffold/indexes.ts";
import { eventType, identifierOf } from "../scaffold/names.ts";
import { indexChanges, typesOf } from "../scaffold/project.ts";
import { isSkeleton, newSchema, newStep, nextSchema } from "../scaffold/skeletons.ts";
import { isThere, onDisk, writeNew } from "../scaffold/write-new.ts";

export function addAdd(program: Command, world: World): void {
  const add = program.command("add").description("write the files that a change of a project needs, and say what is left to do");
  add
    .command("event <type>")
    .description("a new event type: its schema, and its place in the list")
    .action((given: string) => world.terminal.out(onDisk(() => addEvent(world.cwd ?? process.cwd(), eventType(given)))));
  add
    .command("version <type>")
    .description("a new version of an event type: its schema, and the step to it from the version before")
    .action((given: string) => world.terminal.out(onDisk(() => addVersion(world.cwd ?? process.cwd(), eventType(given)))));
}

function addEvent(folder: string, type: string): string {
  const types = typesOf(folder);
  if (types.some((one) => one.type === type) || isThere(folder, `schemas/${type}`))
    throw new Failure(exit.refused, `schemas/${type} is there already. Nothing was written.\nA new version of it: reprise add version ${type}`);
  const twin = types.find((one) => one.type.toLowerCase() === type.toLowerCase() || identifierOf(one.type) === identifierOf(type));
  if (twin !== undefined)
    throw new Failure(exit.refused, `${type} would be called ${identifierOf(type)} in the code, as ${twin.type} is. Nothing was written: choose another name.`);
  const written = change(folder, { types, after: [...types, { type, versions: 1 }], files: { [schemaFile(type, 1)]: newSchema(type) } });
  return told(written, [
    `Write what its data is into ${schemaFile(type, 1)}. The service does not start before.`,
    `Give a handler a function for it: on: { "${type}": async (event) => { … } }.`,
    ...written.left.map((path) => `You have written into ${path}: add ${identifierOf(type)} there.`),
  ]);
}

function addVersion(folder: string, type: string): string {
  const types = typesOf(folder);
  const known = types.find((one) => one.type === type);
  if (known === undefined)
    throw usage(`This project has no event type ${type}. It has ${types.map((one) => one.type).join(", ") || "none"}. A new one: reprise add event ${type}`);
  const { versions } = known;
  if (versions >= maxVersions) throw usage(`${type} has ${versions} versions, the most that an event type may have.`);
  const from = readFileSync(join(folder, schemaFile(type, versions)), "utf8");
  if (isSkeleton(from)) throw usage(`${schemaFile(type, versions)} is not written yet: write what the data is, and delete its last line.`);
  const files = { [schemaFile(type, versions + 1)]: nextSchema(from, versions), [stepFile(type, versions)]: newStep(type, versions) };
  const written = change(folder, { types, after: types.map((one) => (one === known ? { type, versions: versions + 1 } : one)), files });
  return told(written, [
    `Change ${schemaFile(type, versions + 1)}: it is what version ${versions} was. Leave ${schemaFile(type, versions)} as it is, because the log may hold it.`,
    `Write the step in ${stepFile(type, versions)}. The service and the tests do not start before.`,
    `Handlers get version ${versions + 1} from now on: change those that use what has changed, and the tests that append it.`,
    ...written.left.map((path) => `You have written into ${path}: add version ${versions + 1} there.`),
    "Then look whether stored events still mean the same: npx reprise schema check",
  ]);
}

interface Change {
  readonly types: readonly ProjectType[];
  readonly after: readonly ProjectType[];
  /** Those that nothing else makes. */
  readonly files: Readonly<Record<string, string>>;
}

interface Written {
  readonly made: readonly string[];
  readonly changed: readonly string[];
  readonly left: readonly string[];
}

/** @throws exit 4 when one of the files is there. */
function change(folder: string, { types, after, files }: Change): Written {
  const there = Object.keys(files).filter((path) => isThere(folder, path));
  if (there.length > 0) throw new Failure(exit.refused, `${there.join(" and ")} would be written, and is there already. Nothing was written.`);
  const { write, left } = indexChanges(folder, types, after);
  const changed = Object.keys(write).filter((path) => isThere(folder, path));
  writeNew(folder, { ...files, ...Object.fromEntries(Object.entries(write).filter(([path]) => !changed.includes(path))) });
  for (const path of changed) writeFileSync(join(folder, path), write[path]!);
  return { made: [...Object.keys(files), ...Object.keys(write).filter((path) => !changed.includes(path))], changed, left };
}

function told({ made, changed }: Written, todo: readonly string[]): string {
  const lines = [
    ...made.map((path) => `made     ${path}`),
    ...changed.map((path) => `changed  ${path}`),
    "",
    "Left to do:",
    ...todo.map((line, index) => `  ${index + 1}. ${line}`),
  ];
  return `${lines.join("\n")}\n`;
}
