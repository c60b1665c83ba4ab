/** The package.json of a project: a new one, or what is missing in the one that is there. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "../../event/build.ts";
import { exit, Failure } from "../exit.ts";
import { zodRange } from "./own-dependencies.ts";

export interface ManifestChange {
  readonly text: string;
  /** In words; null: the file is new. */
  readonly added: readonly string[] | null;
}

type Manifest = Record<string, unknown>;

const scripts = { test: "node --test", start: "reprise serve" };
/** What `npm init` writes. */
const noTest = /no test specified/;

/** @returns null when nothing is missing. @throws exit 4 for a project of CommonJS, exit 2 for a package.json that is none. */
export function manifestFor(folder: string): ManifestChange | null {
  const path = join(folder, "package.json");
  let before: string;
  try {
    before = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const made = {
      ...{ name: packageName(folder), version: "0.0.0", private: true, type: "module", scripts },
      dependencies: { reprise: `^${build}`, zod: zodRange() },
    };
    return { text: `${JSON.stringify(made, null, 2)}\n`, added: null };
  }
  const manifest = parse(before, path);
  const added: string[] = [];
  if (manifest.type !== "module" && takesModules(manifest, folder)) {
    manifest.type = "module";
    added.push('"type": "module"');
  }
  const own = isObject(manifest.scripts) ? manifest.scripts : {};
  const missing = Object.entries(scripts).filter(([name]) => own[name] === undefined || (name === "test" && noTest.test(String(own[name]))));
  if (missing.length > 0) {
    manifest.scripts = { ...own, ...Object.fromEntries(missing) };
    for (const [name, command] of missing) added.push(`the script ${name}: ${command}`);
  }
  const indent = /^\{\r?\n([ \t]+)/.exec(before)?.[1] ?? "  ";
  return added.length === 0 ? null : { text: `${JSON.stringify(manifest, null, indent)}\n`, added };
}

/**
 * Whether the project can be one of ES modules from now on: it has no code yet that would be read in another way. One without a `type` is left as it is: Node
 * sees by itself that our files are modules.
 *
 * @throws exit 4 for one that says it is of CommonJS.
 */
function takesModules({ type }: Manifest, folder: string): boolean {
  const hasCode = readdirSync(folder).some((name) => /\.([cm]?[jt]sx?)$/.test(name) || /^(src|lib|dist|bin|app)$/.test(name));
  if (!hasCode) return true;
  if (type !== "commonjs") return false;
  throw new Failure(
    exit.refused,
    `${join(folder, "package.json")} says "type": "commonjs", and there is code beside it. Nothing was written.\nGive Reprise a folder of its own, with a package.json of its own: reprise init events`,
  );
}

function parse(text: string, path: string): Manifest {
  try {
    const parsed: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    if (isObject(parsed)) return parsed;
  } catch {
    // told below
  }
  throw new Failure(exit.usage, `${path} is not the JSON object that npm reads. Nothing was written: correct it, or name another folder.`);
}

const isObject = (value: unknown): value is Manifest => typeof value === "object" && value !== null && !Array.isArray(value);

/** A name that npm takes, after the folder's. */
function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "")
    .replace(/-+$/, "")
    .slice(0, 200);
  return name === "" || name === "reprise" || name === "zod" || name === "node_modules" ? "reprise-project" : name;
}
