#!/usr/bin/env node
// Plain JavaScript that any Node can read: the one place where an old Node gets an answer instead of a stack.
import { existsSync } from "node:fs";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `Reprise needs Node 24.12 or newer; this is ${process.version} (${process.execPath}).\nIn the repository run it through npm, which brings Node 24: npm start, npm run reprise -- …`,
  );
  process.exit(1);
}
const source = new URL("../src/main.ts", import.meta.url); // only a checkout has it; the package ships dist/
await import(existsSync(source) ? source.href : new URL("../dist/main.js", import.meta.url).href);
