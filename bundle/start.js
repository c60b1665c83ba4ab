/**
 * `npm start` in a checkout: as bin/reprise.js, but from a bundle of the sources, which starts in two thirds of the time. It is made when there is none of
 * these very sources, which takes a second. Where it cannot be made or kept, as without the dev dependencies or in a folder that is read only, the sources run
 * as they are: what is wrong with them is told by Node then. Plain JavaScript, so that nothing has to be compiled to decide this.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { program } from "../bin/prepare.js";

const repository = fileURLToPath(new URL("..", import.meta.url));
const bundles = join(repository, "node_modules/.cache/reprise-bundle");
/** A service that runs still loads some of its files when they are first needed: a bundle is kept long after its last start. */
const keptMs = 30 * 24 * 3_600_000;

/** The program that was made of the sources as they are now. */
async function bundled() {
  const folder = join(bundles, stamp());
  if (!existsSync(folder)) await make(folder);
  const now = new Date();
  utimesSync(folder, now, now);
  return join(folder, "main.js");
}

/** Two starts may make it at once: the first to end is kept. */
async function make(folder) {
  const { atSource, bundle } = await import("./bundle.ts");
  const own = `${folder}.${process.pid}`;
  try {
    await bundle(own, atSource);
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  for (const name of readdirSync(bundles)) {
    const path = join(bundles, name);
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > keptMs) rmSync(path, { recursive: true, force: true });
  }
}

/** Changes with each file that the bundle is made of, and with what makes it. */
function stamp() {
  const hash = createHash("sha256");
  const add = (path) => {
    const { size, mtimeMs, ino } = statSync(path);
    hash.update(`${path} ${size} ${mtimeMs} ${ino}\0`);
  };
  for (const path of ["package.json", "bundle/bundle.ts"]) add(join(repository, path));
  const folders = [join(repository, "src")];
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.name.endsWith(".ts")) add(path);
    }
  }
  return hash.digest("hex").slice(0, 16);
}

let main = program;
try {
  main = pathToFileURL(await bundled()).href;
} catch {
  // the sources, then
}
await import(main);
