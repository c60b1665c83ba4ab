/** The gate before a deploy, on real input: every recorded GitHub payload, in five schema versions' shapes, is read by today's code. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "reprise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeChat } from "../../examples/github-triage/announce.ts";
import { versionedTypes } from "../../examples/github-triage/catalog.ts";
import { githubTriage } from "../../examples/github-triage/config.ts";
import { deliveries } from "../../examples/github-triage/deliveries.ts";
import { openStore } from "../../src/compose.ts";
import { reprise } from "../support/cli.ts";

const eventsPerAppend = 25;
const inputs = deliveries();
const folder = mkdtempSync(join(tmpdir(), "reprise-github-check-"));
const flags = ["--config", "examples/github-triage/reprise.config.ts", "--log", `sqlite:${folder}`];
let store: Store;

beforeAll(async () => {
  store = await openStore(githubTriage({ board: new Map(), chat: makeChat() }), { log: `sqlite:${folder}` });
  for (let from = 0; from < inputs.length; from += eventsPerAppend) await store.append(inputs.slice(from, from + eventsPerAppend));
}, 120_000);

afterAll(async () => {
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the log of all recorded GitHub payloads, while it is in use", { timeout: 240_000 }, () => {
  it("passes `schema check --log`", async () => {
    expect(await reprise(["schema", "check", ...flags])).toEqual({
      code: 0,
      stdout: `Every event of the log can be read by this code: ${inputs.length} lifted and valid.\n`,
      stderr: "",
    });
  });

  it("is counted by `schema census`: each type and version as it was sent, and every step needed", async () => {
    const { code, stdout } = await reprise(["schema", "census", ...flags, "-o", "json"]);
    expect(code).toBe(0);
    const census = JSON.parse(stdout);
    const sent = Map.groupBy(inputs, ({ type, schemaVersion }) => `${type} ${schemaVersion}`);
    const counted = new Map(census.types.map((row: Record<string, unknown>) => [`${row.type} ${row.version}`, row.count]));
    expect(counted).toEqual(new Map([...sent].map(([key, events]) => [key, events.length])));
    expect(census.types.every((row: Record<string, unknown>) => row.lifted === row.count)).toBe(true);
    expect(new Set(census.steps.map((step: { type: string }) => step.type))).toEqual(new Set(versionedTypes.map(({ type }) => type)));
    expect(census.steps.every((step: { events: number }) => step.events > 0)).toBe(true);
  });
});
