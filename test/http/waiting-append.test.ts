/** What waits for the disk: of 64 requests at once, each collection of garbage copies what they hold. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { makeServer } from "../../src/http/server.ts";
import { encodeAppend } from "../../src/log/append-rules.ts";
import type { AppendedEvent, EventLog } from "../../src/log/event-log.ts";
import { makeAppender } from "../../src/store/append/append.ts";
import { takeTyped } from "../../src/store/append/typed.ts";
import { Counted } from "../../src/telemetry/counted.ts";
import { measuredAppend } from "../../src/telemetry/measured-append.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { silent } from "../support/http.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

it("an append that waits for the log holds its data as the text that is stored, and no more", async () => {
  const catalog = makeCatalog({ events: [defineEvent("note.made", { 1: z.looseObject({ text: z.string() }) })], upcasters: [] });
  const waiting: object[] = [];
  let data: WeakRef<object> | undefined;
  let answer: ((appended: readonly AppendedEvent[]) => void) | undefined;
  const asked = Promise.withResolvers<void>();
  const append: EventLog["append"] = (stream, events, expected, how) => {
    data = new WeakRef(events[0]!.data as object);
    waiting.push(encodeAppend(stream, events, expected, how));
    return new Promise((resolve) => {
      answer = resolve;
      asked.resolve();
    });
  };
  const log = { append, findByIds: async () => [] };
  const store = { ...makeFakeStore(), append: takeTyped(measuredAppend(makeAppender({ catalog, log, newId }), new Counted([]), systemClock)) };
  const app = makeServer({ store, logger: silent, clock: systemClock });
  const payload = JSON.stringify({ type: "note.made", entity: { type: "note", id: "n-1" }, data: { text: "a", more: { list: [1, 2] } } });
  const answered = app.inject({ method: "POST", url: "/events", headers: { "content-type": "application/json" }, payload });
  await asked.promise;
  await new Promise(setImmediate); // until then a WeakRef holds it
  collect();
  expect([waiting.length, data!.deref()]).toEqual([1, undefined]);
  answer!([{ id: newId(), revision: 0, position: 1n, recordedAt: "2026-01-31T12:00:00.000Z", duplicate: false }]);
  expect((await answered).statusCode).toBe(201);
});
