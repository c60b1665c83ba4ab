// What comes before any of Reprise is loaded. Plain JavaScript that any Node can read: the one place where an old Node gets an answer instead of a stack.
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `Reprise needs Node 24.12 or newer; this is ${process.version} (${process.execPath}).\nIn the repository run it through npm, which brings Node 24: npm start, npm run reprise -- …`,
  );
  process.exit(1);
}
const source = new URL("../src/main.ts", import.meta.url);
/** Where the program is: its sources in a checkout, which the package does not have. */
export const program = (existsSync(source) ? source : new URL("../dist/main.js", import.meta.url)).href;
// What Node has compiled is kept for the next start, beside the other packages: never in a folder that other users can write to. Where it cannot be
// written, as in a container that is read only, Node goes on without. NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE of the user stay in force.
const modules = program === source.href ? "../node_modules" : "../..";
nodeModule.enableCompileCache(fileURLToPath(new URL(`${modules}/.cache/reprise`, import.meta.url)));
