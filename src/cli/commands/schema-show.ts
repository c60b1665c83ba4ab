import type { CheckedType } from "../../catalog/check-definitions.ts";
import { type Difference, type Survival, survival } from "../../catalog/diff/difference.ts";
import { diffVersions } from "../../catalog/diff/schema-diff.ts";
import { usage } from "../exit.ts";
import { type Column, type PrintOptions, printList, table } from "../print.ts";
import { type LoadedConfig, requireSubject, type SchemaFlags } from "../schema-files.ts";
import type { Terminal } from "../terminal.ts";

export interface ShowFlags extends SchemaFlags, Omit<PrintOptions, "quiet"> {
  readonly quiet?: boolean;
}

/** Lists the types, or prints one version of one. */
export async function showSchema(
  type: string | undefined,
  version: string | undefined,
  { output, quiet = false, ...flags }: ShowFlags,
  terminal: Terminal,
): Promise<void> {
  const subject = await requireSubject(flags);
  if (type === undefined) {
    const rows = subject.types.map(({ type: name, formerly, versions }) => ({ type: name, versions: versions.length, formerly: [...formerly] }));
    rows.sort((a, b) => (a.type < b.type ? -1 : 1));
    printList(
      terminal,
      { output, quiet },
      {
        reply: { schemas: rows },
        rows,
        columns: [
          ["TYPE", (row) => row.type],
          ["CURRENT VERSION", (row) => row.versions],
          ["FORMERLY", (row) => (row.formerly.length === 0 ? null : row.formerly.join(", "))],
        ],
        id: (row) => row.type,
        empty: "The config has no event types.",
      },
    );
    return;
  }
  const found = typeNamed(subject, type);
  const number = version === undefined ? found.versions.length : versionOf(found, version);
  const shown = subject.catalog.jsonSchema(found.type, number);
  terminal.out(quiet ? `${found.type}@${number}\n` : JSON.stringify(shown, null, output === "ndjson" ? 0 : 2) + "\n");
}

/** Prints what differs between two versions, and a verdict. */
export async function showDiff(type: string, from: string, to: string, { output, quiet = false, ...flags }: ShowFlags, terminal: Terminal): Promise<void> {
  const found = typeNamed(await requireSubject(flags), type);
  const [before, after] = [versionOf(found, from), versionOf(found, to)];
  const differences = diffVersions(found.versions[before - 1]!, found.versions[after - 1]!);
  const survives = survival(differences);
  if (quiet) for (const { rule } of differences) terminal.out(`${rule}\n`);
  else if (output === "json") terminal.out(JSON.stringify({ type: found.type, from: before, to: after, survives, differences }, null, 2) + "\n");
  else if (output === "ndjson") for (const difference of differences) terminal.out(JSON.stringify(difference) + "\n");
  else {
    if (differences.length > 0) terminal.out(table(differences, columns, terminal.columns));
    terminal.out(verdict(survives, before, after));
  }
}

function typeNamed({ catalog, types }: LoadedConfig, name: string): CheckedType {
  const found = types.find(({ type }) => type === catalog.resolve(name));
  if (found === undefined) throw usage(`${JSON.stringify(name)} is no event type of the config: known are ${catalog.types.join(", ")}.`);
  return found;
}

function versionOf({ type, versions }: CheckedType, text: string): number {
  const version = Number(text);
  if (!/^\d+$/.test(text) || versions[version - 1] === undefined)
    throw usage(`${JSON.stringify(text)} is no version of ${type}: it has 1 to ${versions.length}.`);
  return version;
}

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value).slice(0, 60));

const columns: readonly Column<Difference>[] = [
  ["RULE", ({ rule }) => rule],
  ["AT", ({ at }) => (at === "" ? "(the whole)" : at)],
  ["BEFORE", ({ before }) => json(before), ({ before }) => [before === null ? null : `before: ${JSON.stringify(before)}`]],
  ["AFTER", ({ after }) => json(after), ({ after }) => [after === null ? null : `after: ${JSON.stringify(after)}`]],
  ["SURVIVES", ({ survives }) => survives],
];

function verdict(survives: Survival, from: number, to: number): string {
  if (survives === "yes") return `Every payload that is valid as version ${from} is valid as version ${to} as it is.\n`;
  if (survives === "no") return `Payloads of version ${from} are not all valid as version ${to}: the step has to change them.\n`;
  return `A comparison cannot tell whether every payload of version ${from} is valid as version ${to}: the step has to make sure of it, and a sample should show it.\n`;
}
