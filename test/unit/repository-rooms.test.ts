/** The rooms of src: the picture of them in docs/architecture.md is the one that the import check draws, without a circle and with nothing that goes upward. */
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { sections } from "../support/markdown.ts";
import { readText } from "../support/repository-files.ts";
import { repositoryFolder, run } from "../support/run-tool.ts";

const page = readText("docs/architecture.md");
const roomsSection = sections(page, 2).get("Rooms") ?? "";

/** From the ground up: each imports only what stands before it. */
const order = ["verify", "errors.ts", "event", "catalog", "log", "access", "records", "delivery", "retention", "views", "replay", "alerts", "store", "telemetry", "config", "http", "console", "assemble.ts", "compose.ts", "testing", "cli", "main.ts", "index.ts"]; // biome-ignore format: one line

async function draw(script: string): Promise<string> {
  const path = `${join(repositoryFolder, "node_modules/.bin")}${delimiter}${process.env.PATH}`;
  const { stdout, stderr } = await run("env", [`PATH=${path}`, "sh", "-c", script], repositoryFolder);
  if (stdout === "") throw new Error(stderr);
  return stdout.trim();
}

/** Imports between rooms, as a picture has them. */
function importsIn(picture: string): readonly (readonly [from: string, to: string])[] {
  const names = new Map(Array.from(picture.matchAll(/^ {2}(\w+)\["(.+)"\]$/gm), ([, id, name]) => [id!, name!]));
  return Array.from(picture.matchAll(/^(\w+)-->(\w+)$/gm), ([, from, to]) => [names.get(from!) ?? from!, names.get(to!) ?? to!] as const);
}

/** Imports of a room by one that stands before it, or at a place that nobody has given it. */
function upward(picture: string): readonly string[] {
  return importsIn(picture)
    .filter(([from, to]) => !order.includes(to) || order.indexOf(from) <= order.indexOf(to))
    .map(([from, to]) => `${from} → ${to}`);
}

describe("the rooms of src", { timeout: 60_000 }, () => {
  const { scripts } = JSON.parse(readText("package.json")) as { readonly scripts: { readonly rooms: string } };

  it("are in docs/architecture.md as `npm run rooms` draws them", async () => {
    const [, picture] = /```mermaid\n([^`]+)\n```/.exec(roomsSection) ?? [];
    // The order of the lines is that in which the tool came by the files.
    const lines = (text: string | undefined) => text?.split("\n").toSorted();
    expect(lines(picture)).toEqual(lines(await draw(scripts.rooms)));
  });

  it("import one another without a circle and nothing upward, errors and event too", async () => {
    const whole = await draw(scripts.rooms.replace(/ --exclude "[^"]+"/, ""));
    expect(importsIn(whole).length).toBeGreaterThan(importsIn(roomsSection).length);
    expect(upward(whole)).toEqual([]);
  });

  it("are each explained in the table", () => {
    const rooms = Array.from(roomsSection.matchAll(/^ {2}\w+\["(.+)"\]$/gm), ([, name]) => `\`src/${name}\``);
    expect(rooms.length).toBeGreaterThan(10);
    const firstCells = Array.from(roomsSection.matchAll(/^\| (`src[^|]+) \|/gm), ([, cell]) => cell).join();
    expect(rooms.filter((room) => !firstCells.includes(room))).toEqual([]);
  });

  it("are told of an import that goes upward, and of a circle", () => {
    const picture = (...arrows: readonly string[]) => `  a["log"]\n  b["delivery"]\n  c["cellar"]\n${arrows.join("\n")}\n`;
    expect(upward(picture("b-->a"))).toEqual([]);
    expect(upward(picture("a-->b"))).toEqual(["log → delivery"]);
    expect(upward(picture("a-->b", "b-->a"))).toEqual(["log → delivery"]);
    expect(upward(picture("a-->c"))).toEqual(["log → cellar"]);
  });
});
