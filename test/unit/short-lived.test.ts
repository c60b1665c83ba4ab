/**
 * What a call held is gone with it. What only seems to live on makes each short collection of garbage long, and the slowest deliveries wait for one: V8 takes
 * for used whatever an object points to that has grown old, though nobody uses that object any more.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { AttemptInFlight, AttemptRequest } from "../../src/delivery/attempt/attempt.ts";
import { FunctionAttempt } from "../../src/delivery/attempt/function-attempt.ts";
import type { HandlerDefinition } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { encodeAppend, keepEncoding } from "../../src/log/append-rules.ts";
import { repositoryFolder } from "../support/run-tool.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options?: { type: "minor" }) => void;

/** Of what has outlived two short collections. */
function oldBytes(): number {
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => name === "old_space" || name === "large_object_space")
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
}

/** @returns the bytes that outlive the work. The least of three times, because the process has other things to do, too. */
async function leastKept(work: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 3; time++) {
    collect();
    const before = oldBytes();
    await work();
    for (let twice = 0; twice < 2; twice++) collect({ type: "minor" });
    least = Math.min(least, oldBytes() - before);
  }
  return least;
}

const fact = { type: "progress", schemaVersion: 1, source: null, occurredAt: null, metadata: { priority: "normal" } } as const;
const handler = { kind: "function", name: "worker", on: { "note.made": async () => void (await null) } } as unknown as HandlerDefinition;
const requestOf = (number: number, { signal }: AbortController) =>
  ({
    event: { type: "note.made", entity: { type: "note", id: String(number) }, data: { list: Array.from({ length: 100 }, () => number) }, metadata: {} },
    signal,
    timeoutMs: 30_000,
    nonRetryable: [],
  }) as unknown as AttemptRequest;

describe("calls that have ended", () => {
  it("leave nothing behind that a short collection takes for used", async () => {
    const attempt = new FunctionAttempt(handler as Extract<HandlerDefinition, { kind: "function" }>, systemClock);
    const life = new AbortController();
    const call = async (bursts: number) => {
      for (let burst = 0; burst < bursts; burst++) {
        await Promise.all(Array.from({ length: 16 }, (_, number) => (attempt.call(requestOf(number, life)) as AttemptInFlight).settled));
        if (burst % 4 === 0) collect({ type: "minor" });
      }
    };
    await call(40); // what the calls share has grown old then
    // Seven megabytes, when all 3,200 calls seem to be in use.
    expect(await leastKept(() => call(200))).toBeLessThan(1_000_000);
  });
});

describe("a journal's facts, encoded once", () => {
  it("leave nothing behind when they were appended", async () => {
    const noted = Array.from({ length: 20 }, (_, number) => ({ note: number, text: "x".repeat(100) }));
    const append = async (times: number) => {
      for (let time = 0; time < times; time++) {
        const events = noted.map((data) => ({ ...fact, id: newId(), data: { ...data } }));
        keepEncoding(events, encodeAppend("reprise.journal-worker", events, "any"));
        encodeAppend("reprise.journal-worker", events, "any");
        await null;
        if (time % 4 === 0) collect({ type: "minor" });
      }
    };
    await append(40);
    // Three megabytes, when all 4,000 encodings seem to be in use.
    expect(await leastKept(() => append(200))).toBeLessThan(500_000);
  });
});

/** V8 makes a function old at once where it is written as the value of a member: it expects a method, made once. */
const functionOfMember = /\.#?\w+ (?:\?\?|\|\||&&)?= *(?:async )?(?:(?:\([^=()]*\)(?:: [^=()]+)?|\w+) =>|function\b)/;

function functionsOfMembers(text: string): readonly string[] {
  return text.split("\n").filter((line) => functionOfMember.test(line));
}

describe("a function for a member", () => {
  it("has a name first, so that it is as young as any other object", () => {
    const files = readdirSync(join(repositoryFolder, "src"), { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.startsWith("console/page"),
    );
    expect(files.length).toBeGreaterThan(100);
    const found = files.flatMap((name) =>
      functionsOfMembers(readFileSync(join(repositoryFolder, "src", name), "utf8")).map((line) => `${name}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
  });

  it("is found, and nothing else", () => {
    expect(functionsOfMembers("a.b = () => 1;\nthis.#c = async (d) => {\nthis.e ??= f => f;\ng.h = function () {};\na.b = (c: D): E => f;")).toHaveLength(5);
    expect(
      functionsOfMembers("const a = () => 1;\na.b = c;\na.b = c.map((d) => d);\nif (a.b === (() => 1)) c;\nreadonly a: () => void = () => {};"),
    ).toHaveLength(0);
  });
});
