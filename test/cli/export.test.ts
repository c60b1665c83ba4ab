import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerTo, listen } from "../support/cli.ts";
import { deadLetter, deliveryId, eventId, eventView, type FakeStore, makeFakeStore } from "../support/fake-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let store: FakeStore;
let url: string;
let close: () => Promise<void>;
const amended = { ...deadLetter, data: { orderId: "o-1", totalCents: 999 }, amendedAt: deadLetter.createdAt };
const gone = { ...deadLetter, handler: "audit", data: null, dataError: "event removed from the log" };
beforeAll(async () => {
  store = makeFakeStore({
    views: {
      deadLetters: async (_filter, { cursor }) =>
        cursor === undefined ? { events: [amended], total: 2, nextCursor: "second" } : { events: [gone], total: 2, nextCursor: null },
    },
    store: {
      readEntity: async (_entity, { from } = {}) =>
        from === 0
          ? { events: [eventView], nextFrom: 1, revision: 1, archived: null }
          : { events: [{ ...eventView, revision: 1, data: null, dropped: "no more" }, { ...eventView, revision: 2, data: null, parts: [{ id: "a", type: "order.paid", schemaVersion: 1, data: 1 }, { id: "b", type: "order.noted", schemaVersion: 3, data: 2 }] }], nextFrom: null, revision: 1, archived: null }, // biome-ignore format: one line
    },
  });
  ({ url, close } = await listen(store));
});
afterAll(() => close());

const run = (...args: string[]) => answerTo(args, { url });
const events = (text: string) => text.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>); // biome-ignore format: one line

describe("export dlq", () => {
  it("writes dead letters as they would be delivered, as CloudEvents, page after page, and names those that it cannot write", async () => {
    const { code, stdout, stderr } = await run("export", "dlq", "--handler", "mail", "--error", "Error: down");
    expect(code).toBe(3);
    expect(events(stdout)).toEqual([
      {
        ...{ camelCase: "kept", specversion: "1.0", id: eventId, type: "order.placed", source: "intake", subject: "order/o-1", time: eventView.occurredAt },
        ...{ datacontenttype: "application/json", schemaversion: 2, revision: 0, recordedtime: eventView.recordedAt, tenant: "default", priority: "normal" },
        ...{ callchain: "web,intake", contextrefs: "doc:https://example.com/a", deliveryid: deliveryId, handler: "mail" },
        data: { orderId: "o-1", totalCents: 999 },
      },
    ]);
    expect(stderr).toMatch(/for audit: event removed from the log\n1 event was left out/);
    expect(store.last("views.deadLetters")).toMatchObject([
      { handler: "mail", error: "Error: down" },
      { limit: 200, cursor: "second" },
    ]);
  });

  it("takes ids, and needs ids, a filter or --all", async () => {
    const out = join(temporaryFolder(), "letters.ndjson");
    const { code, stdout, stderr } = await run("export", "dlq", eventId, deliveryId, "--out", out);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: `2 events written to ${out}\n` });
    expect(events(readFileSync(out, "utf8"))).toHaveLength(2);
    const [again, nothing, both, unknown] = await Promise.all([
      run("export", "dlq", eventId, "--out", out),
      run("export", "dlq"),
      run("export", "dlq", eventId, "--error", "x"),
      run("export", "dlq", "nowhere"),
    ]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringMatching(/is there already/) });
    expect([nothing.code, both.code, unknown.code]).toEqual([2, 2, 4]);
  });
});

describe("export entity", () => {
  it("writes its history in order, a split event as its parts", async () => {
    const { code, stdout, stderr } = await run("export", "entity", "order/o-1");
    expect(code).toBe(3);
    expect(events(stdout)).toMatchObject([
      { id: eventId, revision: 0, data: { totalCents: 995 } },
      { id: "a", type: "order.paid", revision: 2, schemaversion: 1, originid: eventId, partindex: 0, partcount: 2, data: 1 },
      { id: "b", type: "order.noted", revision: 2, schemaversion: 3, partindex: 1, data: 2 },
    ]);
    expect(stderr).toMatch(/no more\n1 event was left out/);
  });
});

describe("verify", () => {
  const line = (revision: number, status = 200) =>
    JSON.stringify({ id: `e${revision}`, deliveryid: `d${revision}`, subject: "order/1", revision, attempt: 1, status });

  it("ends with 0 when nothing is wrong, with 1 and the violations when something is", async () => {
    const file = join(temporaryFolder(), "history.ndjson");
    writeFileSync(file, `${line(0)}\n${line(1)}\n\n${line(2)}`);
    const good = await answerTo(["verify", file]);
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/calls +3\n.*deliveries +3\n.*lanes +1\n/s);
    expect(good.stderr).toMatch(/^Not checked: that an entity had one call at a time/);
    const input = `${line(0, 500)}\n${line(1)}\n`;
    const bad = await answerTo(["verify", "-"], { input });
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringMatching(/order\/1: revision 1 attempt 1 begins before 0 has ended: its last call failed\n$/) });
    expect(await answerTo(["verify", "-", "--ordering", "relaxed", "-q"], { input })).toMatchObject({ code: 0, stdout: "0\n" });
    expect(JSON.parse((await answerTo(["verify", "-", "-o", "json"], { input })).stdout)).toMatchObject({ ok: false, violations_total: 1, calls: 2 });
  });

  it("names the line that it cannot read, and the file that is not there", async () => {
    expect(await answerTo(["verify", "-"], { input: `${line(0)}\n{"id":"e"}\n` })).toMatchObject({
      code: 2,
      stderr: "Line 2 of - is no delivery: deliveryid is missing.\n",
    });
    const folder = temporaryFolder();
    for (const path of [join(folder, "nowhere"), folder])
      expect(await answerTo(["verify", path])).toMatchObject({ code: 2, stderr: expect.stringMatching(/cannot be read: E/) });
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
  });
});
