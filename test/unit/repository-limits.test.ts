/** The limits that the documents name are those of the code. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, maxVersions } from "../../src/catalog/define.ts";
import { checkConfig } from "../../src/config/config.ts";
import { maxResultBytes } from "../../src/delivery/effects/effect-result.ts";
import { maxEffects } from "../../src/delivery/effects/effect-scope.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { actPatienceMs } from "../../src/delivery/journal/patience.ts";
import { defaultDeliveryLimits as limits } from "../../src/delivery/limits.ts";
import { maxDeferredMs, maxDelayMs, minWaitMs } from "../../src/delivery/policy/waits.ts";
import { maxBodyBytes } from "../../src/http/body.ts";
import { maxAppendBytes, maxAppendEvents } from "../../src/log/event-log.ts";
import { readText } from "../support/repository-files.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
/** What a handler of the config gets; null when it is refused. */
function specOf(options: object) {
  const handler = defineHandler({ name: "handler", events: [happened], on: { "thing.happened": () => {} }, ...options });
  try {
    return checkConfig({ events: [happened], handlers: [handler] }).handlers[0]!;
  } catch {
    return null;
  }
}
/** The largest number that an option of the config takes; it takes no larger one. */
function largest(most: number, options: (value: number) => object): number {
  expect(specOf(options(most))).not.toBeNull();
  expect(specOf(options(most + 1))).toBeNull();
  return most;
}

const count = (value: number): string => value.toLocaleString("en-US");
const mebibytes = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;
const { concurrency } = specOf({})!;
const policy = specOf({})!.policies.of("thing.happened");
const largestConcurrency = largest(256, (value) => ({ concurrency: value }));
const largestTimeoutMs = largest(900_000, (value) => ({ timeoutMs: value }));
const largestAttempts = largest(1000, (maxAttempts) => ({ retry: { maxAttempts } }));

describe("limits in the documents", () => {
  it.each([
    ["docs/delivery.md", `| request | ${mebibytes(maxBodyBytes)}, ${count(maxAppendEvents)} events |`],
    ["docs/delivery.md", `| events of one entity in one append | ${count(maxAppendBytes)} bytes |`],
    ["docs/delivery.md", `\`concurrency\`, 1 to ${largestConcurrency} (default ${concurrency})`],
    ["docs/delivery.md", `\`timeoutMs\`, up to ${count(largestTimeoutMs)} (default ${count(policy.timeoutMs)})`],
    ["docs/delivery.md", `\`maxAttempts\`, up to ${count(largestAttempts)} (default ${policy.maxAttempts})`],
    ["docs/delivery.md", `| ${minWaitMs} ms to \`maxDelayMs\`, up to a week`],
    ["docs/delivery.md", `| deferrals of one delivery | ${maxDeferredMs / 3_600_000} h in all`],
    ["docs/delivery.md", `\`limits.readAheadEvents\` (${count(limits.readAheadEvents)})`],
    ["docs/delivery.md", `\`limits.laneQueueEvents\` (${limits.laneQueueEvents})`],
    ["docs/delivery.md", `\`limits.slowMs\` (${count(limits.slowMs)})`],
    ["docs/delivery.md", `\`limits.recordedLanes\` (${count(limits.recordedLanes)})`],
    ["docs/delivery.md", `\`limits.flushOutcomes\` (${limits.flushOutcomes};`],
    ["docs/delivery.md", `\`limits.flushMs\` (${limits.flushMs})`],
    ["docs/delivery.md", `\`limits.maxCrashes\` (${limits.maxCrashes})`],
    ["docs/delivery.md", `| versions of an event type | ${maxVersions} |`],
    ["docs/delivery.md", `| effects of one event, per handler | ${maxEffects}, results of ${maxResultBytes / 1024} KiB`],
    ["docs/rules.md", `at most ${count(maxAppendEvents)} events and ${count(maxAppendBytes)} encoded bytes`],
    ["docs/rules.md", `At most ${count(limits.readAheadEvents)} events (\`limits.readAheadEvents\`) and ${mebibytes(limits.readAheadBytes)} are read`],
    ["docs/rules.md", `at ${limits.flushOutcomes} outcomes or after ${limits.flushMs} ms`],
    ["docs/rules.md", `At \`limits.maxCrashes\` (${limits.maxCrashes})`],
    ["docs/rules.md", `after ${actPatienceMs / 1000} s at the latest`],
    ["docs/http.md", `A body is at most ${mebibytes(maxBodyBytes)}.`],
    ["docs/http.md", `have at most ${count(maxAppendBytes)} bytes`],
  ])("%s: %s", (path, words) => {
    expect(readText(path)).toContain(words);
  });

  it("a week is a week", () => {
    expect(maxDelayMs).toBe(7 * 24 * 3_600_000);
  });
});
