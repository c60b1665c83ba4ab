/** The event types of a project, as its folders have them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exit, Failure } from "../exit.ts";
import { indexesOf, type ProjectType } from "./indexes.ts";
import { isThere } from "./write-new.ts";

/** @throws exit 2 where there is no project. */
export function typesOf(folder: string): readonly ProjectType[] {
  if (!isThere(folder, "reprise.config.ts"))
    throw new Failure(exit.usage, `There is no reprise.config.ts in ${folder}. Go to the project's folder, or make one: npx reprise init`);
  if (!isThere(folder, "schemas")) return [];
  return readdirSync(join(folder, "schemas"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ type: name, versions: versionsIn(join(folder, "schemas", name)) }))
    .filter(({ versions }) => versions > 0);
}

/** v1.ts, v2.ts, … up to the first that is missing. */
function versionsIn(folder: string): number {
  let versions = 0;
  while (isThere(folder, `v${versions + 1}.ts`)) versions++;
  return versions;
}

export interface IndexChanges {
  /** To be made, or made anew: nobody has written into them by hand. */
  readonly write: Readonly<Record<string, string>>;
  /** Somebody has; what it has to become is left to them. */
  readonly left: readonly string[];
}

/** What becomes of the files that list others when the types change. */
export function indexChanges(folder: string, before: readonly ProjectType[], after: readonly ProjectType[]): IndexChanges {
  const was = indexesOf(before);
  const write: Record<string, string> = {};
  const left: string[] = [];
  for (const [path, text] of Object.entries(indexesOf(after))) {
    if (was[path] === text) continue;
    if (!isThere(folder, path) || readFileSync(join(folder, path), "utf8").replaceAll("\r\n", "\n") === was[path]) write[path] = text;
    else left.push(path);
  }
  return { write, left };
}
