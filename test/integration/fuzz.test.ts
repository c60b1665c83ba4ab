/**
 * Requests that nobody would send, made from the document over all routes, at a door without keys and at one with: each answer is one that the document tells of,
 * none is of the 5xx but a stated 503, and nothing tells a key, nor a payload where none belongs. REPRISE_FUZZ_REQUESTS says how many with each seed,
 * REPRISE_FUZZ_SEED with which ones it begins.
 */
import { describe, expect, it } from "vitest";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";
import { faultsOf, secretsOf } from "../support/fuzz/faults.ts";
import { makeRandom } from "../support/fuzz/random.ts";
import { makeRequests } from "../support/fuzz/requests.ts";
import { canary, makeScene, type Scene, shown } from "../support/fuzz/scene.ts";
import { size } from "../support/sizes.ts";

const requests = size(400, 5000, "REPRISE_FUZZ_REQUESTS");
const firstSeed = size(1, 1, "REPRISE_FUZZ_SEED");

describe("requests that nobody would send", () => {
  it.each([0, 1].map((seed) => seed + firstSeed))("are answered as the document says, and tell no secret, with seed %i", { timeout: 900_000 }, async (seed) => {
    const random = makeRandom(seed);
    const scene = await makeScene(random);
    const document = (await scene.doors[0]!.inject("/openapi.json")).json<OpenApiDocument>();
    const next = makeRequests({ document, random, known: scene.known, keys: scene.keys });
    const secrets = secretsOf(scene.keys);
    const statuses = new Map<number, number>();
    for (let count = 0; count < requests; count++) {
      const request = next();
      const answer = await random.one(scene.doors).inject(request);
      const faults = [...scene.departures.splice(0), ...faultsOf(answer, secrets)];
      expect(faults, `${shown(request)}\n${answer.statusCode} ${answer.body.slice(0, 2000)}`).toEqual([]);
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
      if (answer.statusCode < 400) scene.learn(answer.body);
      // What it stopped goes on, so that there is something to see.
      if (count % 50 === 0) await goOn(scene);
    }
    // A limit of requests is reached by many only.
    for (const status of [200, 201, 400, 401, 403, 404, 409, 415, 422, ...(requests < 2000 ? [] : [429])])
      expect(statuses.get(status) ?? 0, `answers of ${status}`).toBeGreaterThan(0);
    expect(statuses.get(201)).toBeGreaterThan(requests / 100);
    expect(statuses.get(400)).toBeLessThan(requests / 2);
    await expectNoCanary(scene);
    expect(scene.lines.filter((line) => line.includes(canary) || secrets.some((secret) => line.includes(secret)))).toEqual([]);
  });
});

async function goOn({ doors }: Scene): Promise<void> {
  await doors[0]!.inject({ method: "POST", url: "/handlers/reader/resume" });
}

/** Payloads stand under `data` and nowhere else: not in errors, statistics and logs. */
async function expectNoCanary({ doors }: Scene): Promise<void> {
  const [open] = doors;
  const stats = (await open!.inject("/admin/dlq/stats")).body;
  const letters = (await open!.inject("/admin/dlq?data=false")).body;
  const errors = [...letters.matchAll(/"(?:error|data_error)":("[^"]*"|\{[^}]*\})/g)].map(([text]) => text).join("\n");
  expect(stats + errors).not.toMatch(/canary/);
}
