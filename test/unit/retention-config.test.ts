/** How long events are kept, as the config has it: defaults, and what is refused. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { checkConfig } from "../../src/config/config.ts";

const events = [defineEvent("thing.happened", { 1: z.object({}) })];
const check = (retention: unknown, retentionPace?: unknown) =>
  checkConfig({ events, retention, ...(retentionPace === undefined ? {} : { retentionPace }) } as never);

const dayMs = 86_400_000;

describe("retention in the config", () => {
  it("is none by default", () => {
    expect(checkConfig({ events }).retention).toEqual([]);
    expect(checkConfig({ events }).retentionPace).toEqual({ everyMs: 3_600_000, eventsPerSecond: 1000 });
    expect(check({}).retention).toEqual([]);
  });

  it("takes days, fractions of them, and times with a unit, by entity type", () => {
    const archive = "file:/srv/archive";
    expect(
      check({
        order: { afterDays: 90, archive },
        ticket: { afterDays: 0.5, keepLast: 3, archive: "s3://bucket/prefix" },
        chat: { after: "36h", archive: "s3://bucket" },
        trace: { after: "1.5d", archive },
      }).retention,
    ).toEqual([
      { entityType: "order", afterMs: 90 * dayMs, keepLast: 0, archive },
      { entityType: "ticket", afterMs: dayMs / 2, keepLast: 3, archive: "s3://bucket/prefix" },
      { entityType: "chat", afterMs: 1.5 * dayMs, keepLast: 0, archive: "s3://bucket" },
      { entityType: "trace", afterMs: 1.5 * dayMs, keepLast: 0, archive },
    ]);
    expect(check({}, { eventsPerSecond: 100 }).retentionPace).toEqual({ everyMs: 3_600_000, eventsPerSecond: 100 });
  });

  const archive = "file:/srv/archive";
  it.each([
    ["a list", [], "retention is an empty list: it must be an object by entity type"],
    ["a name that no entity type has", { Order: { afterDays: 1, archive } }, "must be the name of an entity type"],
    ["no time", { order: { archive } }, "retention.order does not say how long events are kept"],
    ["two times", { order: { afterDays: 1, after: "1d", archive } }, "retention.order.after says what afterDays says, too"],
    ["no time at all", { order: { afterDays: 0, archive } }, "retention.order.afterDays is 0: it must be a number of days, more than 0"],
    ["a negative time", { order: { afterDays: -1, archive } }, "retention.order.afterDays is -1"],
    ["a time for ever", { order: { afterDays: Number.POSITIVE_INFINITY, archive } }, "retention.order.afterDays is Infinity"],
    ["a number for a text", { order: { after: 36, archive } }, 'retention.order.after is 36: it must be a time, "36h" or "90d"'],
    ["a time without a unit", { order: { after: "36", archive } }, 'retention.order.after is "36": it must be a number and s, m, h, d or w'],
    ["a time of nothing", { order: { after: "0h", archive } }, 'retention.order.after is "0h"'],
    ["a time beyond all", { order: { after: "999999d", archive } }, 'retention.order.after is "999999d"'],
    ["a month", { order: { after: "1 month", archive } }, 'retention.order.after is "1 month"'],
    ["no archive", { order: { afterDays: 1 } }, "retention.order.archive is missing: it must say where events go first"],
    ["an archive nowhere", { order: { afterDays: 1, archive: "ftp://host/x" } }, 'it must be "file:/srv/archive" or "s3://bucket/prefix"'],
    ["a path that is not whole", { order: { afterDays: 1, archive: "file:archive" } }, "it must name a folder by its whole path"],
    ["the root", { order: { afterDays: 1, archive: "file:/" } }, "it must name a folder by its whole path"],
    ["no bucket", { order: { afterDays: 1, archive: "s3:///x" } }, "it must name a bucket"],
    ["keys in the address", { order: { afterDays: 1, archive: "s3://key:hunter2@bucket/x" } }, "it must hold no keys"],
    ["keepLast of nothing", { order: { afterDays: 1, keepLast: 0, archive } }, "retention.order.keepLast is 0: it must be a whole number from 1 to 1000000"],
    ["half an event", { order: { afterDays: 1, keepLast: 1.5, archive } }, "retention.order.keepLast is 1.5"],
    ["a field that there is not", { order: { afterDay: 1, archive } }, "retention.order.afterDay is an unknown field"],
    ["a rule that is none", { order: 90 }, "retention.order is 90: it must be an object, { afterDays: 90"],
  ])("refuses %s, and says where", (_, retention, message) => {
    let told = "";
    try {
      check(retention);
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told).toContain(message);
    expect(told).not.toContain("hunter2");
  });

  it("refuses a pace that is none", () => {
    expect(() => check({}, { everyMs: 1 })).toThrow("retentionPace.everyMs is 1: it must be a whole number from 60000");
    expect(() => check({}, { eventsPerSecond: 0 })).toThrow("retentionPace.eventsPerSecond is 0");
    expect(() => check({}, { rate: 5 })).toThrow("retentionPace.rate is an unknown field");
  });
});
