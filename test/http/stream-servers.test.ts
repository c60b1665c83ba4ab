/** GET /events/stream in every kind of server: what is written goes out at once, comments come, and who leaves gives the place back. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import fastify from "fastify";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { makeServer } from "../../src/http/server.ts";
import type { Store } from "../../src/store/store.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { everything } from "../support/followed.ts";
import { silent } from "../support/http.ts";
import { readStream } from "../support/stream-reader.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

interface Pair {
  readonly cert: string;
  readonly key: string;
}

function makePair(): Pair {
  const folder = temporaryFolder();
  const pair = { cert: join(folder, "live.pem"), key: join(folder, "live.key") };
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  execFileSync("openssl", [...args, "-keyout", pair.key, "-out", pair.cert], { stdio: "ignore" });
  return pair;
}
const read = ({ cert, key }: Pair) => ({ cert: readFileSync(cert), key: readFileSync(key) });

async function listening(server: Server, path = ""): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}

type Serving = (store: Store, clock: FakeClock) => Promise<string>;

const plain: readonly (readonly [string, Serving])[] = [
  [
    "a Fastify host, under a prefix",
    async (store) => {
      const host = fastify();
      await host.register(store.http(), { prefix: "/api/reprise" });
      onTestFinished(() => host.close());
      return `${await host.listen({ host: "127.0.0.1", port: 0 })}/api/reprise`;
    },
  ],
  ["a plain listener", async (store) => `http://${await listening(createServer(store.http().listener))}`],
  ["a plain listener under a prefix", async (store) => `http://${await listening(createServer(store.http({ prefix: "/reprise" }).listener), "/reprise")}`],
];
const overTls: readonly (readonly [string, Serving])[] = [
  [
    "the service's own TLS",
    async (store, clock) => {
      const app = makeServer({ store, logger: silent, clock, tls: makePair() });
      onTestFinished(() => app.close());
      return app.listen({ host: "127.0.0.1", port: 0 });
    },
  ],
  [
    "a Fastify host with TLS, under a prefix",
    async (store) => {
      const host = fastify({ https: read(makePair()) });
      await host.register(store.http(), { prefix: "/api/reprise" });
      onTestFinished(() => host.close());
      return `${await host.listen({ host: "127.0.0.1", port: 0 })}/api/reprise`;
    },
  ],
  ["a plain listener over TLS", async (store) => `https://${await listening(createTlsServer(read(makePair()), store.http().listener))}`],
];

describe.each([...plain, ...(hasOpenssl ? overTls : [])])("GET /events/stream from %s", (_name, serving) => {
  it("begins at once, tells what comes and that it lives, and forgets a reader that leaves", async () => {
    const clock = makeFakeClock();
    const store = await startStore(defineConfig({ events: [placed] }), temporaryFolder(), { clock });
    const url = `${await serving(store, clock)}/events/stream`;
    const append = async (n: number) => (await store.append({ type: "order.placed", entity: { type: "order", id: "a" }, data: { n } }))[0]!;
    const first = await append(0);
    const reader = await readStream(url);
    expect([reader.status, reader.headers["content-type"]]).toEqual([200, "text/event-stream"]);
    expect(reader.headers).not.toHaveProperty("content-length");
    await expect.poll(() => reader.lastId()).toBe(first.position); // although there is no message yet
    for (const n of [1, 2]) await append(n);
    expect((await reader.until(2)).map(({ data }) => data.data.n)).toEqual([1, 2]);
    expect(reader.comments()).toEqual(["from here on"]);
    for (let second = 0; second < 16; second++) await clock.advance(1000);
    await expect.poll(() => reader.comments()).toEqual(["from here on", "still here"]);

    // All other places are taken, so that its own is free when another reader is let in.
    const left = new AbortController();
    onTestFinished(() => left.abort());
    const idle = { wanted: everything, from: null, encode: () => Buffer.alloc(0), sink: { send: () => true, onDrained() {} }, signal: left.signal };
    for (let others = 0; others < 99; others++) await store.following.follow(idle);
    expect((await readStream(url)).status).toBe(429);
    reader.leave();
    const statusOfNext = async () => {
      const next = await readStream(url);
      next.leave();
      return next.status;
    };
    await expect.poll(statusOfNext).toBe(200);
  });
});
