/** `reprise events follow` and `reprise logs`. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { DeliveryAct } from "../../src/views/model/delivery-act.ts";
import { answerTo, listen } from "../support/cli.ts";
import { eventView, makeFakeStore } from "../support/fake-store.ts";
import { append, order, serveStream } from "../support/stream-scene.ts";

const at = (url: string) => url.replace("/events/stream", "");

it("events follow prints a line a message, as text, as JSON and as ids, with the filters of the stream", async () => {
  const { store, url } = await serveStream();
  await append(store, order("a", 1), order("b", -1));
  const follow = (...args: string[]) => answerTo(["events", "follow", "--after", "0", ...args], { url: at(url) });
  const lines = (await follow("--limit", "3")).stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^\d{4}-\S+ \S+Z {2}order\/a 0 {2}order\.placed {2}[\da-f-]{36}$/);
  expect(lines.at(-1)).toMatch(/order\/b 0 {2}strict dead_lettered {2}[\da-f-]{36}$/);
  const json = (await follow("--limit", "1", "-o", "json", "--types", "deliveries")).stdout;
  expect(JSON.parse(json)).toMatchObject({ event: "delivery", id: expect.stringMatching(/^\d+$/), data: { status: "dead_lettered" } });
  expect((await follow("--limit", "1", "-q", "--entity", "order/b")).stdout).toMatch(/^[\da-f-]{36}\n$/);
  expect((await follow("--event-type", "none.such")).code).toBe(4);
  expect((await follow("--limit", "none")).code).toBe(2);
  expect(await answerTo(["events", "follow", "--after", "999999"], { url: at(url) })).toMatchObject({ code: 4, stderr: expect.stringContaining("999999") });
  expect((await answerTo(["events", "follow"], { url: "http://127.0.0.1:9" })).code).toBe(5);
});

it("events follow goes on after the last id when the connection breaks, when it is behind, and when the service is away for a while", async () => {
  const asked: (string | undefined)[] = [];
  const answers: RequestListener[] = [
    (_, response) => {
      response
        .writeHead(200, { "content-type": "text/event-stream" })
        .write('id: 7\n\nid: 8\nevent: delivery\ndata: {"delivery_id":"one"}\n\nid: 9\nevent: del');
      setTimeout(() => response.destroy(), 20);
    },
    (_, response) =>
      void response
        .writeHead(503, { "content-type": "application/problem+json" })
        .end(JSON.stringify({ title: "X", code: "CLOSED", detail: "X.", remedy: "X." })),
    (_, response) =>
      void response
        .writeHead(200, { "content-type": "text/event-stream" })
        .end('id: 9\nevent: delivery\ndata: {"delivery_id":"two"}\n\nevent: behind\ndata: {}\n\n'),
    (_, response) => void response.writeHead(200, { "content-type": "text/event-stream" }).write('id: 10\nevent: delivery\ndata: {"delivery_id":"three"}\n\n'),
  ];
  const server: Server = createServer((request, response) => {
    asked.push(request.headers["last-event-id"] as string | undefined);
    answers.shift()!(request, response);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { stdout, code } = await answerTo(["events", "follow", "-q", "--limit", "3"], { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  expect([stdout, code]).toEqual(["one\ntwo\nthree\n", 0]);
  expect(asked).toEqual([undefined, "8", "8", "9"]);
});

it("logs tells all that happened to an event, in order: the append, each attempt with its log, the dead letter, and who did what about it", async () => {
  const { store, url } = await serveStream();
  const [appended] = await store.append({ type: "order.placed", entity: { type: "order", id: "a" }, source: "shop", data: { n: -1, note: "" } });
  await expect.poll(async () => (await store.views.deadLetters({ tenant: "default" }, { limit: 1, offset: 0, data: false })).total).toBe(1);
  const logs = async (...args: string[]) => answerTo(["logs", appended!.id, ...args], { url: at(url) });
  const first = JSON.parse((await logs("-o", "json")).stdout);
  expect(first.happened.map(({ what }: { what: string }) => what.replace(/\d+(\.\d+)? ms/, "N ms"))).toEqual([
    "appended",
    "attempt 1 failed after N ms",
    "dead_lettered: terminal",
  ]);
  expect(first.happened[1]).toMatchObject({ handler: "strict", attempt: 1, error: "Terminal: never", log: [] });
  const { position } = await store.replay(appended!.id, { reason: "try again", actor: "anna" });
  const then = JSON.parse((await logs("-o", "json", "--after", String(position))).stdout);
  expect(then.happened.find(({ what }: { what: string }) => what === "replay begun")).toMatchObject({
    actor: "anna",
    reason: "try again",
    replay_id: expect.any(String),
  });
  expect(then.now).toMatchObject([{ handler: "strict", status: "dead_lettered" }]);
  const text = (await logs()).stdout;
  await store.discard(appended!.id, { reason: "paid in cash", actor: "bert", resolution: "done_by_hand" });
  await expect
    .poll(async () => JSON.parse((await logs("-o", "json")).stdout).happened.at(-1))
    .toMatchObject({
      what: "discarded (it was dead_lettered, done by hand)",
      ...{ actor: "bert", reason: "paid in cash", before: "dead_lettered", after: "discarded" },
    });
  const page = (await logs()).stdout;
  for (const part of ["discarded (it was dead_lettered, done by hand)", "bert", "paid in cash"]) expect(page).toContain(part);
  for (const part of ["what happened", "appended", "shop", "attempt 2 failed", "try again", "now"]) expect(text).toContain(part);
  expect((await logs("-q")).stdout).toBe(`${appended!.id}\n`);
  expect((await answerTo(["logs", "018f2b2e-7c4a-7d3b-8a1e-0123456789ab"], { url: at(url) })).code).toBe(4);
});

it("logs tells what has one time, or seems to lie before the append, in the order in which it happened", async () => {
  const [mail] = eventView.deliveries;
  const [call] = mail!.history;
  const [begun, before] = [eventView.recordedAt, new Date(Date.parse(eventView.recordedAt) - 1).toISOString()];
  const act: DeliveryAct = {
    ...{ at: begun, what: "replayed" as const, actor: "anna", reason: "mended" },
    ...{ before: "dead_lettered" as const, after: "replayed" as const, resolution: null, replayId: null },
  };
  const history = [3, 2, 1].map((attempt) => ({ ...call!, attempt, startedAt: attempt === 1 ? before : begun }));
  const event = {
    ...eventView,
    deliveries: [{ ...mail!, status: "completed" as const, processedAt: begun, history, acts: [{ ...act, reason: "last" }, act] }],
  };
  const service = await listen(makeFakeStore({ views: { event: async () => event } }));
  onTestFinished(() => service.close());
  const { happened } = JSON.parse((await answerTo(["logs", eventView.id, "-o", "json"], { url: service.url })).stdout);
  expect(happened.map(({ what, reason }: { what: string; reason: string | null }) => reason ?? what.split(" failed")[0])).toEqual([
    ...["appended", "attempt 1", "attempt 2", "attempt 3", "mended", "last", "completed"],
  ]);
});
