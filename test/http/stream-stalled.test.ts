/** Readers of the stream that read nothing: they cost no memory to speak of, and hold nobody up. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { messagesFor } from "../../src/http/wire/stream.ts";
import { readStream, stallOn } from "../support/stream-reader.ts";
import { serveStream } from "../support/stream-scene.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const megabyte = 1024 * 1024;
/** With the healthy one as many as there may be. */
const stalledReaders = 99;
/** More than sockets and the service keep for a reader: 250 events of 60 KB. */
const events = 250;
const note = "x".repeat(60_000);
const patienceMs = 1000;

it("100 readers, of which 99 read nothing: at most 20 MB of heap more, the healthy one is not delayed, and each comes back without gap or repeat", {
  timeout: 60_000,
}, async () => {
  const { store, url } = await serveStream();
  const query = "types=events";
  const healthy = await readStream(`${url}?${query}`);
  const others = await Promise.all(Array.from({ length: stalledReaders - 1 }, () => stallOn(`${url}?${query}`)));
  const one = await readStream(`${url}?${query}`, {}, { stalled: true });
  const sent = async (n: number) => store.append({ type: "order.placed", entity: { type: "order", id: `o-${n}` }, data: { n, note } });
  await sent(0);
  await healthy.until(1);
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  let most = 0;
  let slowestMs = 0;
  for (let n = 1; n < events; n++) {
    const sentMs = performance.now();
    await sent(n);
    await healthy.until(n + 1);
    slowestMs = Math.max(slowestMs, performance.now() - sentMs);
    if (n % 50 === 0) most = Math.max(most, heap() - before - n * note.length); // the healthy reader keeps what it was told
  }
  expect(most).toBeLessThan(20 * megabyte);
  expect(slowestMs).toBeLessThan(patienceMs);
  for (const reader of others) reader.leave();
  // What the sockets of this machine hold decides whether it has become too slow.
  one.resume();
  await Promise.race([one.ended, one.until(events)]);
  const had = one.messages.filter(({ event }) => event === "event");
  const again = await readStream(`${url}?${query}`, { "last-event-id": one.lastId() });
  await again.until(events - had.length);
  expect([...had, ...again.messages].map(({ data }) => data.data.n)).toEqual(Array.from({ length: events }, (_, n) => n));
  again.leave();
  healthy.leave();
});

it("readers that stall far behind hold up neither those at the end nor one that catches up", { timeout: 60_000 }, async () => {
  const { store, url } = await serveStream();
  for (let n = 0; n < events; n++)
    await store.append({ type: "order.placed", entity: { type: "order", id: `o-${n}` }, data: { n, note: note.slice(0, 20_000) } });
  const stalled = await Promise.all(Array.from({ length: 40 }, () => stallOn(`${url}?after=0&types=events`)));
  const [catching, live] = [await readStream(`${url}?after=0&types=events`), await readStream(`${url}?types=events`)];
  await store.append({ type: "order.placed", entity: { type: "order", id: "last" }, data: { n: -9, note: "" } });
  expect((await live.until(1))[0]!.data.subject).toBe("order/last");
  expect((await catching.until(events + 1)).at(-1)!.data.subject).toBe("order/last");
  for (const reader of [...stalled, catching, live]) reader.leave();
});

it("100 readers whose sockets take nothing: each is behind after 1 MiB, and what waits for all of them is kept once", { timeout: 60_000 }, async () => {
  const { store } = await serveStream();
  const wanted = { tenant: "default", events: true, statuses: new Set<never>() };
  const { signal } = new AbortController();
  const sent: Uint8Array[] = [];
  const sink = { send: (message: Uint8Array) => sent.push(message) < 0, onDrained() {} };
  const followed = await Promise.all(
    Array.from({ length: 100 }, () => store.following.follow({ wanted, from: null, sink, encode: messagesFor("default"), signal })),
  );
  collect();
  const before = process.memoryUsage();
  const bytes = ({ heapUsed, arrayBuffers }: NodeJS.MemoryUsage) => heapUsed + arrayBuffers;
  let most = 0;
  for (let n = 0; n < 25; n++) {
    await store.append({ type: "order.placed", entity: { type: "order", id: `o-${n}` }, data: { n, note } });
    if (n === 15) collect();
    if (n === 15) most = bytes(process.memoryUsage()) - bytes(before);
  }
  expect(await Promise.all(followed.map(({ ended }) => ended))).toEqual(Array.from({ length: 100 }, () => "behind"));
  expect(new Set(sent).size).toBe(1);
  expect(most).toBeLessThan(20 * megabyte);
});
