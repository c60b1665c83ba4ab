import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReceivedHistory, RecordUnreadable } from "../../src/verify/received-history.ts";

interface Line {
  readonly r: number;
  readonly status?: number | null;
  readonly attempt?: number;
  readonly replay?: string;
  readonly own?: boolean;
  readonly at?: number;
  readonly end?: number | null;
  readonly handler?: string;
  readonly subject?: string;
  readonly tenant?: string;
  readonly part?: number;
}

function lineOf({ r, status, attempt = 1, replay, own = false, at, end, handler, subject = "order/1", tenant = "default", part }: Line): string {
  const id = `${handler ?? ""}${tenant}${subject}e${r}${part ?? ""}`;
  return JSON.stringify({
    ...{ specversion: "1.0", id, type: "order.placed", source: "shop", subject, tenant, revision: r, attempt, partindex: part },
    ...{ deliveryid: own ? `${id}-${replay}` : id, replayid: replay, data: { any: 1 }, received_at: at, ended_at: end, status, handler },
  });
}

function judge(lines: readonly (Line | string)[], ordering: "strict" | "relaxed" = "strict") {
  const history = new ReceivedHistory({ ordering });
  for (const line of lines) history.add(typeof line === "string" ? line : lineOf(line));
  return history.judge();
}

const ok = (r: number, more: Partial<Line> = {}): Line => ({ r, status: 200, ...more });
const bad = (r: number, more: Partial<Line> = {}): Line => ({ r, status: 500, ...more });

describe("a receiver's record", () => {
  it.each<[string, readonly (Line | string)[], ("strict" | "relaxed")?]>([
    ["nothing", []],
    ["in order, with revisions that the handler does not want left out", [ok(0), ok(2), ok(7)]],
    ["retries in place, a deferral too", [ok(0), bad(1), { r: 1, status: 429, attempt: 2 }, ok(1, { attempt: 2 }), ok(2)]],
    ["a dead letter, replayed, then what it held", [bad(0), bad(0, { attempt: 2 }), ok(0, { attempt: 3, replay: "x" }), ok(1)]],
    ["a repeat after a crash goes on in order", [ok(0), ok(1), { r: 2, status: null }, ok(1), ok(2), ok(3)]],
    ["a discarded letter, as the record says", [bad(0), '{"settled":"defaultorder/1e0"}', ok(1)]],
    ["relaxed: on past a letter, which comes later", [bad(0), ok(1), ok(0, { attempt: 2, replay: "x" }), ok(2)], "relaxed"],
    ["history, replayed beside the live ones", [ok(0), ok(1), ok(0, { replay: "h", own: true }), ok(1, { replay: "h", own: true }), ok(2)]],
    ["parts of a split event in order", [ok(0, { part: 0 }), ok(0, { part: 1 }), ok(1)]],
    ["lanes of their own for handlers, tenants and entities", [ok(5), ok(0, { handler: "b" }), ok(1, { tenant: "mill" }), ok(2, { subject: "order/2" })]],
    ["lines without statuses", [{ r: 0 }, { r: 0, attempt: 2 }, { r: 1 }]],
    ["times out of the lines' order", [ok(1, { at: 20, end: 30 }), ok(0, { at: 5, end: 15 })]],
    ["a call that was cut off, with times", [{ r: 0, status: null, at: 1, end: null }, ok(0, { at: 5, end: 6 }), ok(1, { at: 6, end: 7 })]],
  ])("is good: %s", (_name, lines, ordering) => {
    expect(judge(lines, ordering)).toMatchObject({ violations: [], violationsTotal: 0 });
  });

  it.each<[string, readonly (Line | string)[], RegExp, ("strict" | "relaxed")?]>([
    ["an event overtaken", [ok(0), ok(2), ok(1)], /^order\/1: revision 2 attempt 1 begins before 1 has ended, which was called later/],
    ["a step back to what had completed, under another attempt", [ok(0), ok(1), ok(0, { attempt: 2 })], /revision 0 attempt 2 goes back behind the end/],
    ["a start above a failed call", [bad(0), ok(1)], /revision 1 attempt 1 begins before 0 has ended: its last call failed/],
    ["a start above a deferred call", [{ r: 0, status: 503 }, ok(1)], /begins before 0 has ended: its last call was deferred/],
    ["a start above one that was cut off", [{ r: 0, status: null }, ok(1)], /its call was cut off/],
    ["relaxed: a step back that is no replay", [bad(0), ok(1), ok(0, { attempt: 2 })], /revision 0 attempt 2 goes back/, "relaxed"],
    ["two at once", [ok(0, { at: 1, end: 10 }), ok(1, { at: 5, end: 12 })], /revision 1 began while 0 ran/],
    ["a replay of history beside a live call", [ok(0, { at: 1, end: 10 }), ok(0, { at: 2, end: 3, replay: "h", own: true })], /revision 0 began while 0 ran/],
    ["history out of order", [ok(1, { replay: "h", own: true }), ok(0, { replay: "h", own: true })], /revision 1 attempt 1 begins before 0/],
    ["parts out of order", [ok(0, { part: 1 }), ok(0, { part: 0 })], /revision 0 part 1 attempt 1 begins before 0 has ended/],
    [
      "a repeat without a crash, where crashes are on record",
      ['{"crashed_at":100}', ok(0, { at: 1 }), ok(1, { at: 2 }), ok(0, { at: 3 })],
      /revision 0 .* goes back/,
    ],
    ["one handler of two", [ok(1, { handler: "a" }), ok(0, { handler: "b" }), ok(0, { handler: "a" })], /^a order\/1: revision 1/],
  ])("is refused for %s", (_name, lines, words, ordering) => {
    const { violations, violationsTotal } = judge(lines, ordering);
    expect(violations.join("\n")).toMatch(words);
    expect(violationsTotal).toBe(violations.length);
  });

  it("says what it counted and what it could not judge", () => {
    const counted = judge([bad(0), ok(0, { attempt: 2 }), ok(0, { attempt: 2 }), ok(1, { replay: "h", own: true })]);
    expect(counted).toMatchObject({ calls: 4, deliveries: 2, lanes: 1, completed: 2, repeats: 1, replayed: 1 });
    expect(counted.notChecked).toEqual([expect.stringMatching(/one call at a time/)]);
    expect(judge([{ r: 0 }]).notChecked).toHaveLength(2);
    expect(judge([ok(0, { at: 1, end: 2 })]).notChecked).toEqual([]);
    const one = { ...(JSON.parse(lineOf(ok(3))) as object), deliveryid: "defaultorder/1e0" };
    expect(judge([ok(0), JSON.stringify(one)]).violations[0]).toMatch(/stands for two events/);
  });

  it("takes the body as it came, beside what the receiver noted", () => {
    const body = lineOf({ r: 0 });
    for (const event of [body, JSON.parse(body) as unknown]) expect(judge([JSON.stringify({ body: event, received_at: "2026-01-01T00:00:00Z", status: 204 })])).toMatchObject({ calls: 1, completed: 1 }); // biome-ignore format: one line
  });

  it.each([
    "{",
    "7",
    "{}",
    '{"deliveryid":"d","id":"e","subject":"a/b"}',
    lineOf({ r: -1 }),
    lineOf({ r: 0, status: 2.5 }),
    '{"crashed_at":"now"}',
    lineOf(ok(0, { at: 5, end: 4 })),
  ])("does not read %s", (line) => {
    expect(() => judge([line])).toThrow(RecordUnreadable);
  });

  it("passes for any correct run of a strict lane, and fails for any fault planted in it", () => {
    // A lane as it should be: each event some failed calls, then a good one; crashes go back to any event that may be unrecorded.
    const run = fc.array(fc.record({ fails: fc.nat(2), back: fc.nat(3) }), { minLength: 2, maxLength: 12 }).map((events) => {
      const lines: Line[] = [];
      for (const [r, { fails, back }] of events.entries()) {
        for (let attempt = 1; attempt <= fails; attempt++) lines.push(bad(r, { attempt }));
        lines.push(ok(r, { attempt: fails + 1 }));
        if (back === 3) for (let again = Math.max(0, r - 1); again <= r; again++) lines.push(ok(again, { attempt: events[again]!.fails + 1 }));
      }
      return lines;
    });
    fc.assert(
      fc.property(run, (lines) => {
        expect(judge(lines).violations).toEqual([]);
      }),
    );
    fc.assert(
      fc.property(run, fc.nat(), (lines, pick) => {
        const highest = Math.max(...lines.map(({ r }) => r));
        const r = pick % highest; // some event but the last never got through, and yet they went on
        const faulty = lines.map((line) => (line.r === r ? { ...line, status: 500 } : line));
        expect(judge(faulty).violations.length).toBeGreaterThan(0);
      }),
    );
  });
});
