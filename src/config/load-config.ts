import { readFileSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isRepriseError, RepriseError } from "../errors.ts";
import { systemClock } from "../event/clock.ts";
import { isA, textAt, typeOf } from "../event/thrown.ts";
import { toPath, userPlaceOf, withDeepStacks } from "../event/user-place.ts";
import { within } from "../event/waits.ts";
import type { Config } from "./config.ts";
import { rememberModule, syntaxPlaceOf } from "./syntax-place.ts";

/** This copy's public API, from the sources or from their bundle. */
const self = new URL("../index.ts", import.meta.url).href;
const loadPatienceMs = 30_000;
let hooked = false;
const files = new WeakMap<Config, string>();

/** The file from which a config was loaded, absolute; undefined for a config that code has made. */
export function configFileOf(config: Config): string | undefined {
  return files.get(config);
}

/**
 * Loads a config file: TypeScript or JavaScript in any folder, whose default export is the config. It is not checked yet: `checkConfig` does.
 *
 * `reprise` is this very copy there, and `zod` is ours where the folder has none, so that config and service share their classes.
 * A file is loaded once a process: a changed one needs a restart.
 *
 * @param path absolute, or from the working directory.
 * @throws CONFIG_INVALID when there is no such file, it cannot be loaded (with the cause's first line, and the file and line of the user's where it is known)
 * or not in time, or its default export is no config.
 */
export async function loadConfig(path: string, patienceMs = loadPatienceMs): Promise<Config> {
  const file = resolve(path);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    throw new RepriseError("CONFIG_INVALID", `There is no config file ${file}: create it, or name another one with --config.`);
  resolveOurselves();
  let module: { readonly default?: unknown };
  try {
    module = await withDeepStacks(() => withinPatience(import(pathToFileURL(file).href), file, patienceMs));
  } catch (error) {
    if (isRepriseError(error, "CONFIG_INVALID")) throw error;
    throw new RepriseError("CONFIG_INVALID", `The config file ${file} ${describe(error)}`, { cause: error });
  }
  const config = module.default;
  if (!isPlain(config))
    throw new RepriseError("CONFIG_INVALID", `The config file ${file} ${whatItHas(module)}: end it with \`export default defineConfig({ … })\`.`);
  files.set(config as Config, file);
  return config as Config;
}

/** A top-level await may wait for something that never comes, and then Node would end without a message. */
async function withinPatience<T>(loading: Promise<T>, file: string, patienceMs: number): Promise<T> {
  const why = `The config file ${file} has not loaded within ${patienceMs / 1000} s: an await at its top, or in a file that it imports, waits for what does not come.`;
  return within(loading, patienceMs, systemClock, () => {
    throw new RepriseError("CONFIG_INVALID", why);
  });
}

/** Accepts a plain object only: a promise or a Map would pass for an empty config. */
function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
}

function whatItHas(module: { readonly default?: unknown }): string {
  if (!("default" in module)) return "has no config as its default export";
  if (isA(Promise, module.default)) return "has a promise as its default export, and no config";
  if (typeof module.default === "function") return "has a function as its default export, and no config";
  return "has no config as its default export, but something else";
}

/** Hooks are per thread, and stay: modules that the config imports later need them too. */
function resolveOurselves(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "reprise") return { url: self, shortCircuit: true };
      try {
        const found = next(specifier, context);
        rememberModule(found.url);
        return found;
      } catch (error) {
        if (specifier !== "zod") throw error;
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}

function describe(error: unknown): string {
  if (!isA(Error, error)) return "failed while it was loaded: it threw a value that is no Error, so that nobody knows where. Throw an Error.";
  const line = firstWords(textAt(error, "message") ?? "");
  const at = (place: string | undefined): string => (place === undefined ? "" : ` at ${place}`);
  const code = textAt(error, "code") ?? "";
  if (importFaults.includes(code)) return `imports what cannot be found${at(importPlaceOf(error))}: ${line}`;
  const wrong = isA(SyntaxError, error) ? syntaxPlaceOf(error) : undefined;
  if (wrong !== undefined) return `cannot be loaded for a syntax error${at(wrong)}: ${line}`;
  return `failed while it was loaded${at(userPlaceOf(error))}: ${typeOf(error)}: ${line}`;
}

/** The first line; more lines when the message begins with a bracket, as zod's messages do. The config threw it, so it holds no payload. */
function firstWords(message: string): string {
  const line = message.split("\n").find((each) => /\w/.test(each)) ?? "(no message)";
  const words = /^\s*[[{]\s*\n/.test(message) ? message.replace(/\s+/g, " ") : line;
  return words.length <= 500 ? words : `${words.slice(0, 499)}…`;
}

const importFaults = [
  "ERR_MODULE_NOT_FOUND",
  "ERR_PACKAGE_PATH_NOT_EXPORTED",
  "ERR_UNSUPPORTED_DIR_IMPORT",
  "ERR_PACKAGE_IMPORT_NOT_DEFINED",
  "MODULE_NOT_FOUND",
];

/** `<file>:<line>` of the import that Node cannot resolve. Node's own message names the importing file, but not the line. */
function importPlaceOf(error: unknown): string | undefined {
  const message = textAt(error, "message") ?? "";
  const importer = /imported from (\S.*?)$/m.exec(message)?.[1];
  if (importer === undefined) return userPlaceOf(error);
  const file = toPath(importer);
  const line = lineOfImport(file, toPath(/'([^']+)'/.exec(message)?.[1] ?? ""));
  return line === 0 ? file : `${file}:${line}`;
}

/** The line, from 1; 0 when nobody can tell. */
function lineOfImport(file: string, wanted: string): number {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return 0;
  }
  const isIt = (specifier: string): boolean =>
    specifier === wanted || specifier.startsWith(`${wanted}/`) || (specifier.startsWith(".") && resolve(dirname(file), specifier) === resolve(wanted));
  return text.split("\n").findIndex((line) => [...line.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].some(([, specifier]) => isIt(specifier!))) + 1;
}
