/** What the console's page does to text before it is shown: digits stay, what is not seen is written out. */
import { describe, expect, it } from "vitest";
import { ExactNumber, parseExact, printJson } from "../../src/console/page/base/exact-json.ts";
import { faultsOf } from "../../src/console/page/base/json-schema.ts";
import { shownText } from "../../src/console/page/base/shown-text.ts";

describe("JSON as it was sent", () => {
  it("keeps the digits of numbers that JavaScript would round", () => {
    const text = '{\n  "id": 9007199254740993,\n  "list": [\n    1e400,\n    0.1,\n    -123456789012345678901234567890\n  ],\n  "none": {}\n}';
    expect(parseExact(text)).toMatchObject({ id: new ExactNumber("9007199254740993"), none: {} });
    expect(printJson(parseExact(text))).toEqual({ text, whole: true });
  });

  it("is cut after so many characters, also in the middle of a text", () => {
    const { text, whole } = printJson({ a: "x".repeat(1_000_000), b: 1 }, 100);
    expect([text.length <= 100, whole]).toEqual([true, false]);
    expect(printJson([], 2)).toEqual({ text: "[]", whole: true });
  });
});

it("what steers a terminal, turns a line or is not seen is written out", () => {
  expect(shownText("a\u001b[2J\u202eb\u200b\n\tc\ud800")).toBe("a\\u{1b}[2J\\u{202e}b\\u{200b}\n\tc\\u{d800}");
});

it("a value is judged by its schema as it is typed", () => {
  const schema = {
    type: "object",
    properties: { cents: { type: "integer", minimum: 0 }, note: { type: "string" } },
    required: ["cents"],
    additionalProperties: false,
  };
  expect(faultsOf(schema, { cents: 5 })).toEqual([]);
  expect(faultsOf(schema, { cents: -1, note: 1, other: true })).toEqual([
    ...["/cents must be at least 0.", "/note must be text.", "/other is no member that the schema knows."],
  ]);
  expect(faultsOf(schema, {})).toEqual(["/cents is missing."]);
});
