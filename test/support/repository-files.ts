import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryFolder } from "./run-tool.ts";

/** Folders of the repository that hold what people have written. */
const folders = ["src", "test", "docs", "bench", "bin", "schemas", "upcasters", "handlers", "examples", ".ci"];
const written = /\.(?:tsx?|css|js|md|json|c|ya?ml)$|^\.ci\//;
/** Other people's files, and data. */
const notOurs = /^test\/json-test-suite\/|^bench\/peers\/|node_modules|lock\.json$/;

export function readText(path: string): string {
  return readFileSync(join(repositoryFolder, path), "utf8");
}

/** Paths from the top of the repository. @param pattern of the paths that are wanted; default: all that were written by hand. */
export function filesOf(pattern: RegExp = /^/): readonly string[] {
  const top = readdirSync(repositoryFolder).filter((name) => written.test(name));
  const inside = folders.flatMap((folder) =>
    readdirSync(join(repositoryFolder, folder), { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  );
  return [...top, ...inside].filter((path) => written.test(path) && !notOurs.test(path) && pattern.test(path)).sort();
}
