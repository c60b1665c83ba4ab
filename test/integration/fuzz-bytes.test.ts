/**
 * Bytes that are hardly HTTP, over real sockets, at a door without keys and at one with: what is answered is answered as a problem, nothing tells a key, and the
 * service goes on. REPRISE_FUZZ_CONNECTIONS says how many, REPRISE_FUZZ_SEED with which seed.
 */
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { makeBytes } from "../support/fuzz/bytes.ts";
import { exchange } from "../support/fuzz/exchange.ts";
import { faultsOf, secretsOf } from "../support/fuzz/faults.ts";
import { makeRandom } from "../support/fuzz/random.ts";
import { makeScene } from "../support/fuzz/scene.ts";
import { size } from "../support/sizes.ts";

const connections = size(200, 5000, "REPRISE_FUZZ_CONNECTIONS");
const seed = size(1, 1, "REPRISE_FUZZ_SEED");
/** As many as wait for their end at once. */
const atOnce = 50;

it("bytes that are hardly HTTP are answered with a problem or not at all, and tell no secret", { timeout: 900_000 }, async () => {
  const random = makeRandom(seed);
  const scene = await makeScene(random);
  const ports: number[] = [];
  for (const door of scene.doors) {
    await door.listen({ host: "127.0.0.1", port: 0 });
    ports.push((door.server.address() as AddressInfo).port);
    onTestFinished(() => {
      door.server.closeAllConnections();
      return door.close();
    });
  }
  const next = makeBytes(random, scene.keys);
  const secrets = secretsOf(scene.keys);
  const statuses = new Map<number, number>();
  for (let done = 0; done < connections; done += atOnce) {
    const group = Array.from({ length: atOnce }, async () => {
      const bytes = next();
      const { answers, rest } = await exchange(random.one(ports), bytes, random);
      const faults = answers.flatMap((answer) => faultsOf(answer, secrets));
      expect({ faults, rest }, `${JSON.stringify(bytes.toString("latin1").slice(0, 1000))}\n${JSON.stringify(answers).slice(0, 1000)}`).toEqual({
        faults: [],
        rest: "",
      });
      for (const { statusCode } of answers) statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
    });
    await Promise.all(group);
    expect(scene.departures.splice(0)).toEqual([]);
  }
  for (const status of [200, 400, 401, 404, 431]) expect(statuses.get(status) ?? 0, `answers of ${status}`).toBeGreaterThan(0);
  expect((await fetch(`http://127.0.0.1:${ports[0]}/healthz`)).status).toBe(200);
  expect(scene.lines.filter((line) => secrets.some((secret) => line.includes(secret)))).toEqual([]);
});
