/**
 * Builds the console's page: one script, one style sheet, named after their content, each compressed beforehand. `node src/console/build.ts <folder>` builds
 * into that folder; without one it builds into a cache of the checkout, unless the same sources were built before, and prints where.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = import.meta.dirname;
const repository = join(here, "../..");

async function build(folder: string): Promise<void> {
  const { build: bundle } = await import("vite");
  const result = await bundle({
    ...{ configFile: false, root: join(here, "page"), logLevel: "warn", mode: "production" },
    build: {
      ...{ write: false, target: "es2023", modulePreload: false, cssCodeSplit: false, assetsInlineLimit: 0, reportCompressedSize: false },
      rollupOptions: {
        input: join(here, "page/main.tsx"),
        output: { entryFileNames: "scripts/[name]-[hash].js", assetFileNames: "styles/[name]-[hash][extname]", codeSplitting: false },
      },
    },
  });
  const { output } = [result].flat()[0] as unknown as { readonly output: readonly Output[] };
  const icon = readFileSync(join(here, "page/icon.svg"));
  const files = new Map<string, string | Uint8Array>(output.map((file) => [file.fileName, file.type === "chunk" ? file.code : file.source]));
  files.set(`images/icon-${hashOf([icon])}.svg`, icon);
  files.set("index.html", pageOf([...files.keys()]));
  for (const [path, content] of files) writeCompressed(join(folder, path), Buffer.from(content as string));
}

type Output = { readonly fileName: string } & (
  | { readonly type: "chunk"; readonly code: string }
  | { readonly type: "asset"; readonly source: string | Uint8Array }
);

/** Its references are relative to `/console`, wherever that stands. */
function pageOf(paths: readonly string[]): string {
  const one = (folder: string): string => `console/${paths.find((path) => path.startsWith(`${folder}/`))}`;
  return readFileSync(join(here, "page/index.html"), "utf8")
    .replace("{script}", one("scripts"))
    .replace("{style}", one("styles"))
    .replace("{icon}", one("images"));
}

function writeCompressed(path: string, bytes: Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}

function hashOf(contents: Iterable<string | Uint8Array>): string {
  const hash = createHash("sha256");
  for (const content of contents) hash.update(content).update("\0");
  return hash.digest("hex").slice(0, 12);
}

/** Everything that the page is made of: its sources, and the versions of what is bundled with them. */
function sources(): readonly (string | Uint8Array)[] {
  const own = readdirSync(here, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = own.map((entry) => join(entry.parentPath, entry.name)).sort();
  return [...paths, join(repository, "package.json")].flatMap((path) => [path.slice(repository.length), readFileSync(path)]);
}

/** Where the page stands that was built of these sources. Two processes may build at once: the first to end is kept. */
async function built(): Promise<string> {
  const folder = join(repository, "node_modules/.cache/reprise-console", hashOf(sources()));
  if (existsSync(folder)) return folder;
  const own = `${folder}.${process.pid}`;
  await build(own);
  try {
    renameSync(own, folder);
  } catch {
    rmSync(own, { recursive: true, force: true });
  }
  return folder;
}

const [, , target] = process.argv;
if (target === undefined) process.stdout.write(`${await built()}\n`);
else await build(target);
