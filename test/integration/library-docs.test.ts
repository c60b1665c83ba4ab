/** docs/library.md is one program, and does what it says. Whether it compiles is asked in package.test.ts. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryFolder, runNode, writeTree } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { programOf } from "../support/typed-uses.ts";

it("the program of docs/library.md runs", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(repositoryFolder, join(folder, "node_modules/reprise"));
  for (const name of ["zod", "fastify"]) symlinkSync(join(repositoryFolder, "node_modules", name), join(folder, "node_modules", name));
  writeTree(folder, { "package.json": '{ "type": "module" }', "page.ts": programOf("docs/library.md") });
  const { code, stdout, stderr } = await runNode(folder, "--conditions=@reprise/source", "page.ts");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(new Set(stdout.trim().split("\n"))).toEqual(
    new Set(["0 false", "order 7: 900 EUR", "order 8: 1250 CHF", "order 9: 4200 EUR", "order 7 has 2 events"]),
  );
});
