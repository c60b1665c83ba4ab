/** The command line's client: what it is given may hold a key, and no message shows that. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeClient } from "../../src/cli/client.ts";
import { send } from "../../src/cli/send.ts";
import { systemClock } from "../../src/event/clock.ts";

const messageOf = async (base: string, key?: string): Promise<string> => {
  try {
    await makeClient(base, key).get("/handlers");
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
};

describe("a key that cannot be sent", () => {
  it.each(["rpr_hunter2\r", "rpr_hunter2\nx", "rpr_hunter2 ", "\u00e9rpr_hunter2", "rpr_hunter2\u20ac", "rpr_hunter2\u0000"])(
    "is refused and not shown: %j",
    async (key) => {
      const message = await messageOf("http://127.0.0.1:1", key);
      expect(message).toContain("--key (REPRISE_KEY) holds");
      expect(message).not.toContain("hunter2");
    },
  );

  it.each(["http://user:rpr_hunter2@127.0.0.1:1", "http://rpr_hunter2@127.0.0.1:1", "ftp://rpr_hunter2@host", "rpr_hunter2@host"])(
    "is refused in an address: %s",
    async (base) => {
      const message = await messageOf(base);
      expect(message).toContain("--url holds credentials");
      expect(message).not.toContain("hunter2");
    },
  );
});

/** Answers each request by what stands at its place, the last one for all that follow. @returns the keys that came, and its address. */
async function serverThat(...answers: readonly ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      keys.push(request.headers["idempotency-key"] as string | undefined);
      (answers[keys.length - 1] ?? answers.at(-1)!)(response, request);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { keys, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`) };
}

const answerOf = (status: number, body: object) => (response: ServerResponse) => void response.writeHead(status).end(JSON.stringify(body));
const breaks = (response: ServerResponse) => void response.destroy();
const breaksInTheMiddle = (response: ServerResponse) => {
  response.writeHead(200, { "content-length": "100" }).write("{");
  setTimeout(() => response.destroy(), 20);
};
/** A wait takes no time, and counts. */
function hasty() {
  let waitedMs = 0;
  const clock = {
    ...systemClock,
    monotonicMs: () => waitedMs,
    after: (ms: number, wake: (byMs: number) => void) => systemClock.after(0, () => wake((waitedMs += ms))),
  };
  return { clock, waitedMs: () => waitedMs };
}

describe("an act whose connection breaks", () => {
  it("is sent again with the same key, until the one answer is there", async () => {
    const running = answerOf(409, { code: "IDEMPOTENCY_IN_PROGRESS" });
    const { keys, url } = await serverThat(
      breaks,
      breaksInTheMiddle,
      running,
      answerOf(503, { code: "LOG_UNAVAILABLE" }),
      running,
      answerOf(200, { done: true }),
    );
    expect(await send(url, { method: "POST", body: "{}" }, hasty().clock)).toEqual({ status: 200, text: '{"done":true}' });
    expect(keys).toHaveLength(6);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("is given up after a while, and so is one that stays under way", async () => {
    const { keys, url } = await serverThat(breaks);
    const { clock, waitedMs } = hasty();
    await expect(send(url, { method: "POST" }, clock)).rejects.toThrow();
    expect([keys.length > 10, waitedMs() > 40_000, waitedMs() < 42_000]).toEqual([true, true, true]);
    const stuck = await serverThat(breaks, answerOf(409, { code: "IDEMPOTENCY_IN_PROGRESS" }));
    expect((await send(stuck.url, { method: "POST" }, hasty().clock)).status).toBe(409);
  });

  it("has a key of its own; a reading has none, and is not sent again, and nothing is that was never sent", async () => {
    const { keys, url } = await serverThat(answerOf(503, { code: "NOT_OWNER" }));
    for (const n of [1, 2]) expect([(await send(url, { method: "PATCH" }, hasty().clock)).status, keys.length]).toEqual([503, n]);
    expect(keys[0]).not.toBe(keys[1]);
    const broken = await serverThat(breaks);
    await expect(send(broken.url, { method: "GET" }, hasty().clock)).rejects.toThrow();
    expect(broken.keys).toEqual([undefined]);
    const { clock, waitedMs } = hasty();
    await expect(send(new URL("http://127.0.0.1:1/x"), { method: "POST" }, clock)).rejects.toThrow();
    expect(waitedMs()).toBe(0);
  });
});
