/** A document whose `data` is written as `JSON.stringify` writes it is not looked at twice, and is judged as if it were. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RepriseError } from "../../src/errors.ts";
import { JsonWalk } from "../../src/event/json-data.ts";
import { writeJson } from "../../src/event/written-json.ts";
import { hasCompactData } from "../../src/http/compact-data.ts";
import { parseJsonText } from "../../src/http/json.ts";
import { countMembers } from "../../src/http/json-text.ts";

const pad = `"pad":"${"x".repeat(2000)}"`;

/** The same by two passes over everything. */
function isKept(text: string, value: unknown): boolean {
  let faults = 0;
  const walk = new JsonWalk(value, ({ isNumber }) => void (faults += isNumber ? 0 : 1));
  walk.look(Number.POSITIVE_INFINITY);
  const { unsafe, members } = countMembers(text);
  return faults === 0 && !unsafe && members === walk.members;
}

describe("compact data", () => {
  it("is found only in a document without a fault, whatever was done to it", () => {
    let found = 0;
    const member = fc.oneof({ arbitrary: fc.constantFrom("a", "b", "entity", "\\"), weight: 20 }, { arbitrary: fc.constantFrom("data", '"data'), weight: 1 });
    const flat = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.string({ maxLength: 6 }), fc.constant(null));
    const json = fc.oneof(flat, fc.array(flat, { maxLength: 3 }), fc.dictionary(member, flat, { maxKeys: 3 }));
    const change = fc.record({
      at: fc.nat(400),
      cut: fc.nat(3),
      put: fc.constantFrom(
        "",
        " ",
        "0",
        "e5",
        '"a":1,',
        '"data":{"a":1},',
        '"data":{},',
        '{"data":',
        "}",
        "1.0",
        "9007199254740993",
        "9007199254740992",
        "1e+21",
        "\\u0061",
      ),
    });
    fc.assert(
      fc.property(fc.dictionary(member, json), fc.dictionary(member, json), fc.dictionary(member, json), fc.option(change), (before, data, behind, changed) => {
        const whole = JSON.stringify({ ...before, data, b: behind });
        const at = (changed?.at ?? 0) % whole.length;
        const text = `{${pad},${(changed === null ? whole : whole.slice(0, at) + changed.put + whole.slice(at + changed.cut)).slice(1)}`;
        let value: { readonly data?: unknown };
        try {
          value = JSON.parse(text);
        } catch {
          return;
        }
        const written = JSON.stringify(value.data);
        if (!hasCompactData(text, value)) return;
        found++;
        expect(isKept(text, value)).toBe(true);
        const kept = writeJson(value.data);
        // Members whose names are whole numbers may stand where they were sent, not first.
        expect(/"\d+":/.test(kept) ? JSON.stringify(JSON.parse(kept)) : kept).toBe(written);
        expect(writeJson(value.data)).toBe(written);
      }),
      {
        numRuns: 3000,
        examples: [
          [
            { b: {}, "\\": null },
            { b: { a: " " }, entity: {}, "\\": "", a: -10000001 },
            { b: [null], a: null },
            { at: 166, cut: 2, put: "0" },
          ],
        ],
      },
    );
    expect(found).toBeGreaterThan(50);
  });

  it("is kept as JSON.stringify writes it when it comes last, however its parts were written", () => {
    // Ways to write the same value, the first as JSON.stringify does.
    const numbers = [["100", "1e2"], ["1000", "1e3", "1E+3"], ["1", "1.0", "10e-1"], ["0", "-0", "0.0"], ["0.05", "5e-2"], ["0.5", "5e-1"], ["-2.5"], ["12345678901234"], ["0.30000000000000004", "0.30000000000000003"], ["9007199254740992", "9007199254740993"], ["1e+21", "1e21"], ["7"]]; // biome-ignore format: one line
    const strings = [
      ['"a"', '"\\u0061"'],
      ['"/"', '"\\/"'],
      ['"\\n"', '"\\u000a"'],
      ['"\\\\"'],
      ['"\\""'],
      ['"é\u2028"'],
      ['"\\ud83d\\ude00"', '"😀"'],
      ['"\\u0001"'],
      ['"data"'],
      ['"}"'],
    ];
    const way = fc.nat(20);
    const flat = fc
      .tuple(fc.constantFrom(...numbers, ...strings, ["true"], ["null"]), way)
      .map(([ways, which]) => ways[Math.max(0, which - 18) % ways.length]!);
    const blank = fc.constantFrom(...Array.from({ length: 30 }, () => ""), " ", "\n");
    const name = fc.constantFrom("a", "b", "c", "data", "long name", "d\\n", "constructor", "e", "f", "g", "h");
    const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, flat, tie("list"), tie("object")),
      list: fc.tuple(fc.array(tie("value"), { maxLength: 3 }), blank).map(([items, gap]) => `[${items.join(`,${gap}`)}]`),
      object: fc
        .tuple(fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }), blank)
        .map(([all, gap]) => `{${all.map(([key, item]) => `"${key}":${gap}${item}`).join(",")}}`),
    }));
    const before = fc.array(fc.tuple(fc.constantFrom("x", "y", "data", "d\\u0061ta", '\\"data'), value), { maxLength: 2 });
    let found = 0;
    let lastFound = 0;
    fc.assert(
      fc.property(before, value, fc.constantFrom("}", "}", "}", "} ", ',"z":1}'), (members, data, end) => {
        const text = `{${pad}${members.map(([key, one]) => `,"${key}":${one}`).join("")},"data":${data}${end}`;
        const parsed = JSON.parse(text) as { readonly data: unknown };
        if (!hasCompactData(text, parsed)) return;
        found++;
        if (end === "}") lastFound++;
        expect(isKept(text, parsed)).toBe(true);
        const written = JSON.stringify(parsed.data);
        expect([writeJson(parsed.data), writeJson(parsed.data)]).toEqual([written, written]);
      }),
      { numRuns: 8000 },
    );
    expect(found).toBeGreaterThan(lastFound);
    expect(lastFound).toBeGreaterThan(300);
  });

  it("is not taken for what a longer name has", () => {
    const text = `{${pad},"data" :{"b":2},"x\\"data":{"a":1}}`;
    const parsed = parseJsonText(text) as { readonly data: unknown };
    expect(writeJson(parsed.data)).toBe('{"b":2}');
  });

  it.each([
    ['"data":{"a":1,"b":[1,2]}', null],
    ['"data":{"a":100,"b":[]}', null],
    ['"data":{"a":1e2,"b":[]}', null],
    ['"data":{"a":[],"a":[]}', "MEMBER_REPEATED"],
    ['"d\\u0061ta":1,"data":{"a":1}', "MEMBER_REPEATED"],
    ['"\\"data":{"a":1}', null],
    ['"data":[{"a":1}]', null],
    ['"x":{"data":{"a":1}},"data":{"a":1}', null],
    ['"data":{"a":1},"data":{"a":1}', "MEMBER_REPEATED"],
    ['"x":{"data":{"a":1}},"data":{"a":2,"a":1}', "MEMBER_REPEATED"],
    ['"data":{"a":1},"x":{"b":1,"b":1}', "MEMBER_REPEATED"],
    ['"data":{"a":1},"x":1e400', "NUMBER_UNSAFE"],
    ['"data":{"a":9007199254740992}', "NUMBER_UNSAFE"],
    ['"data":{"a":1e+21}', "NUMBER_UNSAFE"],
    ['"data":{"__proto__":1}', "REQUEST_INVALID"],
    ['"constructor":1,"data":{"a":1}', "REQUEST_INVALID"],
    [`"data":${"[".repeat(50_000)}${"]".repeat(50_000)}`, "REQUEST_INVALID"],
  ])("%#: the answer is the same as for any document", (members, code) => {
    const answer = (text: string) => {
      try {
        return { value: parseJsonText(text) };
      } catch (error) {
        const { code, errors } = error as RepriseError;
        return { code, errors };
      }
    };
    const compact = answer(`{${pad},${members}}`);
    if (code !== null) expect(compact).toHaveProperty("code", code);
    expect(compact).toEqual(answer(`{${pad},${members.replaceAll('"data":', '"data": ')}}`));
  });
});
