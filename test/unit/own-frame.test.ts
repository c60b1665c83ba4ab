/** Where a failure is said to have happened: the same over builds, folders and machines, another for another place. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { fingerprintOfCall } from "../../src/delivery/attempt/failure-fingerprint.ts";
import { ownFrame } from "../../src/delivery/attempt/own-frame.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import type { CurrentEvent } from "../../src/event/event.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { threadMs } from "../support/thread-time.ts";

/** The code of one build. `moved`: lines above it, which a later build has. */
const codeOf = (moved: string): string => `${moved}
export class OutOfStock extends Error {
  constructor(id) {
    super("no stock for " + id);
  }
}
function reserve(id) { throw new OutOfStock(id); }
function pack(id) { throw new OutOfStock(id); }
export async function twoPlaces(id, first) {
  await null;
  if (first) throw new Error("failed: " + id);
  throw new Error("failed: " + id);
}
export const parse = (text) => JSON.parse(text);
export const on = { "order.placed": (event) => reserve(event.id), "order.packed": (event) => pack(event.id) };
`;

interface Build {
  readonly on: Readonly<Record<string, (event: { id: string }) => void>>;
  readonly twoPlaces: (id: string, first: boolean) => Promise<void>;
  readonly parse: (text: string) => unknown;
}

/** A build in a folder of its own, as another machine or container has it. */
async function buildIn(file: string, moved = ""): Promise<Build> {
  const root = temporaryFolder();
  writeFileSync(join(root, "package.json"), '{"name":"shop","type":"module"}');
  const path = join(root, file);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, codeOf(moved));
  return (await import(/* @vite-ignore */ pathToFileURL(path).href)) as Build;
}

async function frameOf(call: () => unknown): Promise<string | null> {
  try {
    await call();
  } catch (error) {
    return ownFrame((error as Error).stack!, (error as Error).message);
  }
  throw new Error("it did not fail");
}

describe("the place of a failure", () => {
  it("stays over builds whose lines moved, in other folders; two functions are two places, and so are two lines of one", async () => {
    const first = await buildIn("src/handlers/stock.mjs");
    const second = await buildIn("dist/handlers/stock.mjs", "// a line more\nconst more = 1;\n\nexport { more };");
    const placesOf = async (build: Build) => [
      await frameOf(() => build.on["order.placed"]!({ id: "o-1" })),
      await frameOf(() => build.on["order.packed"]!({ id: "o-2" })),
      await frameOf(() => build.twoPlaces("o-3", true)),
      await frameOf(() => build.twoPlaces("o-4", false)),
      await frameOf(() => build.parse("{")), // thrown by the engine, below the project's code
    ];
    const places = await placesOf(first);
    expect(await placesOf(second)).toEqual(places);
    expect(new Set(places).size).toBe(places.length);
    expect(places[0]).toMatch(/^handlers\/stock reserve /);
    expect(places[4]).toMatch(/^handlers\/stock Module\.parse /);
  });

  it("is the first that is neither Node's nor a package's", () => {
    const frames = [
      "Error: x",
      "    at /app/fake (not a frame)",
      "    at node:internal/process/task_queues:95:5",
      "    at Client.send (/nowhere/app/node_modules/pg/lib/client.js:1:2)",
      "    at async Bank.charge [as order.placed] (file:///nowhere/app/bank-3fa9c1d2e4.mjs?t=1:12:9)",
    ];
    expect(ownFrame(frames.join("\n"))).toBe("bank Bank.charge ");
    expect(ownFrame("Error: at night\n    at C:\\app\\bank.js:3:1")).toMatch(/ <anonymous> $/);
    expect(ownFrame("Error: x\n    at Client.send (/app/node_modules/pg/lib/client.js:1:2)")).toBeNull();
    expect(ownFrame("")).toBeNull();
    // A message cannot stand for a place.
    expect(ownFrame("Error: x\n    at fake (/app/a.js:1:1)\n    at node:fs:1:1", "x\n    at fake (/app/a.js:1:1)")).toBeNull();
  });

  it("of a hostile stack is found quickly, or not at all", () => {
    for (const piece of ["    at ", "(", ":1", "    at x (/a", "\n    at (((", " (".repeat(50)]) {
      const stack = piece.repeat(200_000);
      expect(threadMs(() => void ownFrame(stack))).toBeLessThan(200);
    }
  });
});

const event = {
  id: "018f2b2e-7c4a-7d3b-8a1e-0123456789ab",
  type: "order.placed",
  entity: { type: "order", id: "ada" },
  metadata: { priority: "normal" },
  data: { customerId: "eve", name: "ann" },
  origin: null,
} as unknown as CurrentEvent;
const fingerprintBy = (fingerprint: ((error: Error, event: CurrentEvent) => unknown) | undefined, thrown: unknown = new Error("no room for ada of eve")) =>
  fingerprintOfCall(
    { name: "ledger", definition: defineHandler({ name: "ledger", on: {}, ...(fingerprint && { fingerprint: fingerprint as () => string }) }) },
    event,
    {
      class: "transient",
      error: { type: "Error", message: "no room for ada of eve" },
      thrown,
    },
  );

describe("a handler's own fingerprint", () => {
  it("stands in place of the other, and gets what was thrown and the event", () => {
    expect(fingerprintBy((error, { type }) => `${type}: ${error.message}`)).toBe("order.placed: no room for ada of eve");
    expect(fingerprintBy((error) => `${error.name}/${error.message}/${error instanceof Error}`, "a text")).toBe("Error/no room for ada of eve/true");
    expect(fingerprintBy(() => "x".repeat(127) + "😀")).toHaveLength(128);
  });

  it("counts as left out when it gives none, and cannot change the event", () => {
    const standard = fingerprintBy(undefined);
    expect(standard).toMatch(/^v1:/);
    const faults: ((error: Error, event: CurrentEvent) => unknown)[] = [
      () => "",
      () => "  ",
      () => 7,
      () => null,
      () => Promise.resolve("x"),
      () => {
        throw new Error("no");
      },
      (_, { data }) => ((data as { name: string }).name = "x"),
    ];
    for (const fault of faults.slice(0, 6)) expect(fingerprintBy(fault)).toBe(standard);
    expect(fingerprintBy(faults[6])).toBe(standard);
  });

  it("is not needed for ids that look like words: the event's own are known", () => {
    const of = (message: string, entityId: string, customerId: string) =>
      fingerprintOfCall(
        { name: "ledger", definition: defineHandler({ name: "ledger", on: {} }) },
        { ...event, entity: { type: "order", id: entityId }, data: { customerId } },
        { class: "transient", error: { type: "Error", message } },
      );
    expect(of("no room for ada of eve", "ada", "eve")).toBe(of("no room for bob of zoe", "bob", "zoe"));
    expect(of("no room for ada", "ada", "eve")).not.toBe(of("no time for ada", "ada", "eve"));
  });
});
