import { statSync } from "node:fs";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Config } from "./config.ts";
import { RepriseError } from "./errors.ts";
import { isA, textAt, typeOf } from "./event/thrown.ts";

/** This copy's public API: `index.ts` from source, `index.js` from dist. */
const self = new URL(import.meta.url.endsWith(".ts") ? "./index.ts" : "./index.js", import.meta.url).href;
let hooked = false;
const files = new WeakMap<Config, string>();

/** The file that a config was loaded from, absolute; undefined for one that was made otherwise. */
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
 * @throws CONFIG_INVALID when there is no such file, it cannot be loaded (with the cause's first line), or it has no default export.
 */
export async function loadConfig(path: string): Promise<Config> {
  const file = resolve(path);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    throw new RepriseError("CONFIG_INVALID", `There is no config file ${file}: create it, or name another one with --config.`);
  resolveOurselves();
  let module: { readonly default?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    throw new RepriseError("CONFIG_INVALID", `The config file ${file} ${describe(error)}`, { cause: error });
  }
  if (typeof module.default !== "object" || module.default === null)
    throw new RepriseError(
      "CONFIG_INVALID",
      `The config file ${file} has no config as its default export: end it with \`export default defineConfig({ … })\`.`,
    );
  files.set(module.default as Config, file);
  return module.default as Config;
}

/** Hooks are per thread, and stay: modules that the config imports later need them too. */
function resolveOurselves(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "reprise") return { url: self, shortCircuit: true };
      try {
        return next(specifier, context);
      } catch (error) {
        if (specifier !== "zod") throw error;
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}

function describe(error: unknown): string {
  if (!isA(Error, error)) return "failed while it was loaded: it threw a value that is no Error.";
  const line = (textAt(error, "message") ?? "").split("\n")[0]!; // of the config, and no payload is near it
  if (error instanceof SyntaxError) {
    const place = /^(.+:\d+)\n/.exec(textAt(error, "stack") ?? "")?.[1]; // Node puts `<file>:<line>` before the stack; the file may be one that the config imports
    return `cannot be loaded for a syntax error${place === undefined ? "" : ` at ${place}`}: ${line}`;
  }
  if (textAt(error, "code") === "ERR_MODULE_NOT_FOUND") return `imports what cannot be found: ${textAt(error, "message")?.split("\n")[0]}`;
  return `failed while it was loaded: ${typeOf(error)}: ${line}`;
}
