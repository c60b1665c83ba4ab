/** Clients that ask for much and do not read. */
import { connect, type Socket } from "node:net";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import { serve } from "../../src/http/server.ts";
import type { ReaderLimits } from "../../src/http/slow-readers.ts";
import { eventView, makeFakeStore, pageOf } from "../support/fake-store.ts";

const answerBytes = 16 * 1024 * 1024;

async function service(readers: ReaderLimits) {
  const text = "x".repeat(answerBytes / 4);
  const events = [1, 2, 3, 4].map(() => ({ ...eventView, data: { text } }));
  const store = makeFakeStore({ views: { events: pageOf(events) } });
  const lines: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const server = await serve({ store, logger, clock: systemClock, host: "127.0.0.1", port: 0, readers });
  lines.length = 0; // that it listens
  onTestFinished(() => {
    server.abort();
    return server.close();
  });
  return { url: new URL(server.url), lines };
}

/** Asks, and reads nothing: resolves when the answer has begun. */
async function ask(url: URL): Promise<{ readonly socket: Socket; readonly ended: Promise<unknown> }> {
  const socket = connect(Number(url.port), url.hostname);
  onTestFinished(() => void socket.destroy());
  const ended = new Promise((resolve) => {
    socket.once("close", resolve);
    socket.once("error", resolve);
  });
  socket.write(`GET /events HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`);
  await new Promise((resolve) => socket.once("readable", resolve));
  return { socket, ended };
}

it("a client that takes nothing of its answer is ended, and the log says so", async () => {
  const { url, lines } = await service({ patienceMs: 100, unsentBytes: 10 * answerBytes });
  const { socket, ended } = await ask(url);
  await expect.poll(() => lines.length).toBe(1);
  expect(lines[0]).toContain("too slow");
  socket.resume();
  await ended;
});

it("the oldest of those that do not read are ended when another answer has no room, and a client that reads gets its own", async () => {
  const { url, lines } = await service({ patienceMs: 60_000, unsentBytes: Math.round(2.5 * answerBytes) });
  const first = await ask(url);
  await ask(url);
  expect(lines).toEqual([]);
  const whole = await (await fetch(new URL("/events", url))).text();
  expect(whole.length).toBeGreaterThan(answerBytes);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("too many unsent answers");
  first.socket.resume();
  await first.ended;
});
