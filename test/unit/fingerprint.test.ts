/** What makes failures alike: the template of a message, the words of a receiver, the fingerprint. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commonMessage, type Failure, fingerprintOf } from "../../src/records/fingerprint/fingerprint.ts";
import { receiverWords } from "../../src/records/fingerprint/receiver-words.ts";
import { templateOf } from "../../src/records/fingerprint/template.ts";
import { threadMs } from "../support/thread-time.ts";

const failure = (message: string, more: Partial<Failure> = {}): Failure => ({ class: "transient", error: { type: "Error", message }, ...more });
const groupOf = (message: string, more?: Partial<Failure>): string => fingerprintOf("ledger", failure(message, more));

describe("a template", () => {
  it.each([
    ["order o-17 is missing", "order <*> is missing"],
    ["order 018f2b2e-7c4a-7d3b-8a1e-0123456789ab is missing", "order <*> is missing"],
    ["took 1,204.5 ms, limit 1e3", "took <*> ms, limit <*>"],
    ["took 12ms", "took <*>"],
    ["balance is -5", "balance is <*>"],
    ["balance is 5", "balance is <*>"],
    ["at 2026-11-28T07:12:03.123Z and 2026-11-28 07:12:03", "at <*> and <*>"],
    ["10.0.0.7:5432 refused", "<*> refused"],
    ["ids: 1, 22, 333", "ids: <*>"],
    ["mail to ada@example.com bounced", "mail to <*> bounced"],
    ["GET /orders/17/items?page=2&user=ada failed", "GET /orders/<*>/items<text> failed"],
    ['no such column "a ""b"', "no such column <text>"],
    ["can't read the customer's 'name of it's' now", "can't read the customer's <text> now"],
    ['unexpected "a long text whose end was cut o', "unexpected <text>"],
    ['he said "no \\" yes" twice', "he said <text> twice"],
    ["“Ärger” über «zwei»  Zeilen\n\tlang", "<text> über <text> Zeilen lang"],
    ["", ""],
    ["payment declined", "payment declined"],
  ])("of %j", (message, template) => expect(templateOf(message)).toBe(template));

  it("knows ids that look like words, where they stand by themselves", () => {
    expect(templateOf("no account for beefcafe, though beefcafes are many", ["beefcafe"])).toBe("no account for <*>, though beefcafes are many");
    expect(templateOf("no account cust:ada/x here", ["cust:ada/x"])).toBe("no account <*> here");
    expect(templateOf("it is on", ["on"])).toBe("it is on");
  });

  it("is the same for all ids and numbers, in the place where they stand", () => {
    const id = fc.oneof(
      fc.uuid(),
      fc.nat().map(String),
      fc.integer({ min: 0x10000, max: 0xfffff }).map((n) => `${n.toString(16)}7`),
      fc.float({ noNaN: true, noDefaultInfinity: true }).map((n) => n.toFixed(2)),
    );
    fc.assert(fc.property(id, id, (a, b) => templateOf(`order ${a} of (${b}) failed`) === "order <*> of (<*>) failed"));
  });

  it("is bounded and quick, whatever it is made of", () => {
    const hostile = ["'a ", '"', "a'", "'a'b", "-_.@", "1,", "?=", "<", "\u0000", "\ud800", "aA1", "((((", " \t", "a.a.", '\\"', "“", '{"a":'];
    for (const piece of hostile) {
      const text = piece.repeat(Math.ceil(1_000_000 / piece.length));
      const tookMs = threadMs(() => {
        expect(templateOf(text, ["abc", text.slice(0, 300)]).length).toBeLessThanOrEqual(300);
        expect(receiverWords(text).length).toBeLessThanOrEqual(2000);
      });
      expect(tookMs).toBeLessThan(200);
    }
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 3000 }), (text) => templateOf(text).isWellFormed() && templateOf(text).length <= 300));
  });

  it("of a template is itself", () => {
    for (const message of ["order o-17 is missing", 'no "name" at 12', "can't"]) expect(templateOf(templateOf(message))).toBe(templateOf(message));
  });
});

describe("the words of a receiver", () => {
  it.each([
    ['{"error":"no stock","id":"o-1"}', "no stock"],
    ['{"error":{"code":"E1","message":"no stock for o-1"},"trace":"x"}', "E1 no stock for o-1"],
    ['{"errors":[{"title":"Bad","detail":"a"},{"title":"Bad","detail":"b"}]}', "Bad a"],
    ['{"type":"about:blank","title":"Out of stock","status":409}', "about:blank Out of stock"],
    ['{"message":"cut of', "cut of"],
    ['"just a text"', '"just a text"'],
    ["[]", ""],
    ["<html><title>502 Bad Gateway</title></html>", "  502 Bad Gateway  "],
  ])("of %j", (head, words) => expect(receiverWords(head)).toBe(words));
});

describe("a fingerprint", () => {
  it("is one for 50 errors that differ in ids and numbers", () => {
    expect(
      new Set(Array.from({ length: 50 }, (_, n) => groupOf(`order ${crypto.randomUUID()} of customer c-${n * 7}: ${n} of "${n} boxes" missing`))).size,
    ).toBe(1);
  });

  it("tells apart handler, class, type, message and place", () => {
    const error = { type: "TypeError", message: "a" };
    const all = [
      groupOf("a"),
      groupOf("b"),
      groupOf("a", { class: "terminal" }),
      groupOf("a", { error }),
      fingerprintOf("mail", failure("a")),
      fingerprintOf("ledger", failure("a"), { frame: "handlers/a charge" }),
      fingerprintOf("ledger", failure("a"), { frame: "handlers/b charge" }),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all[0]).toMatch(/^v1:[0-9a-f]{16}$/);
  });

  it("stays what it is: it is stored with each failure", () => {
    expect(groupOf("order o-17 is missing")).toBe("v1:37665a4304f2c9b1");
  });

  it("of a webhook is of its status and of what its receiver said", () => {
    const http = (status: number, responseHead = "") =>
      commonMessage({ class: "transient", error: { type: "HttpError", message: `HTTP ${status}` }, httpStatus: status, responseHead });
    expect(http(500)).toBe("HTTP 500");
    expect(http(502, "<h1>upstream 17 down</h1>")).toBe("HTTP 502: upstream <*> down");
    expect(http(409, '{"error":"no stock for o-1"}')).toBe("HTTP 409: no stock for <*>");
    expect(http(409, '{"error":"no stock for o-2"}')).toBe(http(409, '{"error":"no stock for o-1"}'));
  });
});
