/**
 * Puts the sources together into a few files of JavaScript. Node looks for, reads and links each file of a program by itself, which costs more than what
 * the files do: a start from 450 files of one's own takes a third longer than one from their bundle. Packages stay where they are installed: a project shares
 * zod with us, and has its own licences beside them.
 */
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Plugin, rolldown } from "rolldown";

export const sources: string = fileURLToPath(new URL("../src/", import.meta.url));

/** What is started or imported by its name: the command, the library and its testing kit. */
const entries = ["main.ts", "index.ts", "testing/make-test-store.ts"];

/**
 * @param folder where the files go, all of them at its top.
 * @param placeOf an expression for the address at which a source believes to stand, by its path in `src`: from there it finds the files that it reads.
 * @param programs files outside `src` that use the sources, and become entries beside them.
 */
export async function bundle(folder: string, placeOf: (path: string) => string, programs: readonly string[] = []): Promise<void> {
  const built = await rolldown({
    input: Object.fromEntries([...entries.map((path) => join(sources, path)), ...programs].map((file) => [nameOf(file), file])),
    platform: "node",
    external: (id) => !/^[./]/.test(id),
    experimental: { nativeMagicString: true },
    plugins: [addresses(placeOf)],
    onLog: (_level, log) => {
      throw new Error(log.message);
    },
  });
  await built.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    sourcemap: true,
    sourcemapExcludeSources: true,
    keepNames: true,
  });
  await built.close();
}

const nameOf = (path: string): string => basename(path, ".ts");
const isEntry = (file: string): boolean => entries.some((path) => join(sources, path) === file);

/**
 * `new URL("./other.ts", import.meta.url)` is code that is loaded by its address: it becomes an entry of its own, and the address that of the entry.
 * Any other `import.meta.url` is the place of a source, which is no more than a name once it is part of a bundle.
 */
function addresses(placeOf: (path: string) => string): Plugin {
  return {
    name: "addresses",
    transform(code, id, { magicString }) {
      if (!id.startsWith(sources) || magicString === undefined) return null;
      for (const { 0: words, 1: other, index } of code.matchAll(/new URL\("(\.[^"]*\.ts)", import\.meta\.url\)|import\.meta\.url/g)) {
        const file = other === undefined ? undefined : resolve(dirname(id), other);
        if (file !== undefined && !isEntry(file)) this.emitFile({ type: "chunk", id: file, fileName: `${nameOf(file)}.js` });
        const put = file === undefined ? placeOf(id.slice(sources.length)) : `new URL("./${nameOf(file)}.js", import.meta.url)`;
        magicString.overwrite(index, index + words.length, put);
      }
      return magicString.hasChanged() ? { code: magicString } : null;
    },
  };
}

/** For a folder that has what the sources read where they expect it: a package. */
export const insideOf = (path: string): string => `new URL(${JSON.stringify(`./${path.replace(/\.ts$/, ".js")}`)}, import.meta.url).href`;

/** For a folder somewhere else, beside sources that stay: a checkout. */
export const atSource = (path: string): string => JSON.stringify(pathToFileURL(join(sources, path)).href);
