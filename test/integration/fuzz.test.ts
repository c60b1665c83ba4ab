/**
 * Requests that nobody would send, made from the document over all routes, at a door without keys and at one with: each answer is one that the document tells of,
 * none is of the 5xx but a stated 503, and nothing tells a key, nor a payload where none belongs. REPRISE_FUZZ_REQUESTS says how many with each seed,
 * REPRISE_FUZZ_SEED with which ones it begins.
 */
import { describe, expect, it } from "vitest";
import { type ErrorCode, errorCatalog } from "../../src/errors.ts";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";
import { makeRandom } from "../support/fuzz/random.ts";
import { makeRequests } from "../support/fuzz/requests.ts";
import { canary, makeScene, type Scene, shown } from "../support/fuzz/scene.ts";
import { size } from "../support/sizes.ts";

const requests = size(400, 5000, "REPRISE_FUZZ_REQUESTS");
const firstSeed = size(1, 1, "REPRISE_FUZZ_SEED");
const unavailable: readonly ErrorCode[] = ["VIEW_BEHIND", "LOG_UNAVAILABLE"];

interface Answer {
  readonly statusCode: number;
  readonly headers: object;
  readonly body: string;
}

/** What is wrong with an answer, whatever was asked. */
function faultsOf({ statusCode, headers, body }: Answer, secrets: readonly string[], url: string): readonly string[] {
  const all = JSON.stringify(headers) + body;
  const faults = secrets.filter((secret) => all.includes(secret)).map((secret) => `tells the key of ${secret}`);
  if (statusCode < 400 || body === "") return faults;
  if (statusCode === 503 && url.startsWith("/readyz") && body.includes('"not_ready"')) return faults;
  const type = (headers as { readonly "content-type"?: string })["content-type"];
  if (type !== "application/problem+json") return [...faults, `is of ${type}`];
  const { code, detail, errors = [] } = JSON.parse(body) as { code: ErrorCode; detail: string; errors?: readonly { detail: string }[] };
  if (!Object.hasOwn(errorCatalog, code)) faults.push(`has the code ${code}`);
  if (statusCode >= 500 && !unavailable.includes(code)) faults.push(`is ${statusCode} ${code}`);
  // A pointer names members, and `instance` the path: both the client's own words.
  if ([detail, ...errors.map((each) => each.detail)].join().includes(canary)) faults.push("tells the payload");
  return faults;
}

describe("requests that nobody would send", () => {
  it.each([0, 1].map((seed) => seed + firstSeed))("are answered as the document says, and tell no secret, with seed %i", { timeout: 900_000 }, async (seed) => {
    const random = makeRandom(seed);
    const scene = await makeScene(random);
    const document = (await scene.doors[0]!.inject("/openapi.json")).json<OpenApiDocument>();
    const next = makeRequests({ document, random, known: scene.known, keys: scene.keys });
    // Without what comes before its own secret: ids may be told.
    const secrets = [...new Set(scene.keys)].map((key) => key.slice(12, -6));
    const statuses = new Map<number, number>();
    for (let count = 0; count < requests; count++) {
      const request = next();
      const answer = await random.one(scene.doors).inject(request);
      const faults = [...scene.departures.splice(0), ...faultsOf(answer, secrets, String(request.url))];
      expect(faults, `${shown(request)}\n${answer.statusCode} ${answer.body.slice(0, 2000)}`).toEqual([]);
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
      if (answer.statusCode < 400) scene.learn(answer.body);
      // What it stopped goes on, so that there is something to see.
      if (count % 50 === 0) await goOn(scene);
    }
    for (const status of [200, 201, 400, 401, 403, 404, 409, 415, 422, 429]) expect(statuses.get(status) ?? 0, `answers of ${status}`).toBeGreaterThan(0);
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
