import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RepriseError } from "../../src/errors.ts";
import { parseJsonInTurns, parseJsonText } from "../../src/http/json.ts";
import { endOfString } from "../../src/http/json-text.ts";

function refusal(text: string): { readonly code: string; readonly pointers: readonly string[] } | null {
  try {
    parseJsonText(text);
    return null;
  } catch (error) {
    const { code, errors } = error as RepriseError;
    return { code, pointers: errors.map(({ pointer }) => pointer) };
  }
}

describe("a document is read as it was sent, or refused", () => {
  it.each([
    ['{"a":1,"a":1}', ["#/a"]],
    ['{"a":100,"\\u0061":1}', ["#/a"]],
    ['[{"x":{"b":1,"c":[],"b":{}}}, {"d":1,"d":2,"d":3}]', ["#/0/x/b", "#/1/d", "#/1/d"]],
    ['{"":1,"":2}', ["#/"]],
    ['{"a/b":1,"a~b":2,"a/b":3}', ["#/a~1b"]],
    ['{"a":"{\\"b\\":1,\\"b\\":2}","b":"a:b,c","b":2}', ["#/b"]],
    [`{"a":${"[".repeat(50_000)}${"]".repeat(50_000)},"a":1}`, ["#/a"]],
  ])("%#: members that come twice", (text, pointers) => {
    expect(refusal(text)).toEqual({ code: "MEMBER_REPEATED", pointers });
  });

  it.each([
    ["90071992547409.999", "#"],
    ["[1e-400]", "#/0"],
    ['{"a":[1,{"b":-1E-400}]}', "#/a/1/b"],
    ["1e400", "#"],
    ["-1E+999", "#"],
    ["9007199254740992", "#"],
    ["-9007199254740993", "#"],
    ["0.1000000000000000055511151231257827", "#"],
    ["3.14159265358979323846", "#"],
    ["1e23", "#"],
    [`${"0.".padEnd(2_000_000, "0")}1`, "#"],
    [`1${"0".repeat(2_000_000)}`, "#"],
    ["1e99999999999999999999", "#"],
    ["1e-99999999999999999999", "#"],
  ])("%#: numbers that no double keeps", (text, pointer) => {
    expect(refusal(text)).toEqual({ code: "NUMBER_UNSAFE", pointers: [pointer] });
  });

  it.each([
    "0",
    "-0",
    "0.0",
    "0e99999999999999999999",
    "9007199254740991",
    "-9007199254740991",
    "0.30000000000000004",
    "0.1",
    "1.50",
    "100.000000000000000000000000",
    "1e15",
    "1.5E+15",
    "1e-7",
    "123456789012345.6e-3",
    "2.2250738585072014e-308",
    "5e-324",
    '"9007199254740993"',
    '{" 1e400":"{\\"a\\":1e400}"}',
    '"\\\\"',
    '["\\"",":",{"a":"\\\\\\":"}]',
  ])("%s is kept", (text) => {
    expect(parseJsonText(text)).toEqual(JSON.parse(text));
  });

  it("any JSON that JavaScript writes is kept", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const fault = refusal(text);
        if (fault === null) expect(parseJsonText(text)).toEqual(JSON.parse(text));
        else expect(fault.code).toMatch(/^(?:NUMBER_UNSAFE|REQUEST_INVALID)$/); // an integer beyond 2^53, a key `__proto__`
      }),
      { numRuns: 500 },
    );
  });

  it("any double between the integers is kept, and no decimal comes out as another one", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }),
        fc.integer({ min: -330, max: 310 }),
        (double, digits, power) => {
          if (!Number.isInteger(double) || Number.isSafeInteger(double)) expect(refusal(String(double))).toBeNull();
          const text = `${digits}e${power}`;
          const value = Number(text);
          const kept = refusal(text) === null;
          // Two integers: digits × 10^power, and what JavaScript writes for the double.
          const [, whole = "", fraction = "", exponent = "0"] = /^-?(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
          if (!Number.isFinite(value)) expect(kept).toBe(false);
          else {
            const shift = Math.max(0, -power, fraction.length - Number(exponent));
            const [sent, came] = [digits * 10n ** BigInt(power + shift), BigInt(whole + fraction) * 10n ** BigInt(Number(exponent) - fraction.length + shift)];
            const same = (sent < 0n ? -sent : sent) === came;
            expect(kept).toBe(same && (!Number.isInteger(value) || Number.isSafeInteger(value)));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("a long document is read in pieces", () => {
  const inPieces = async (text: string, pieceLength: number) => {
    try {
      return { value: await parseJsonInTurns(Buffer.from(text), pieceLength) };
    } catch (error) {
      return { code: (error as RepriseError).code };
    }
  };
  const atOnce = (text: string) => {
    try {
      return { value: parseJsonText(text) };
    } catch (error) {
      return { code: (error as RepriseError).code };
    }
  };

  it("as it is at once, whatever was done to it, however it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue({ maxDepth: 6 }),
        fc.constantFrom(undefined, 2),
        fc.integer({ min: 1, max: 60 }),
        fc.option(fc.record({ at: fc.nat(400), cut: fc.nat(2), put: fc.constantFrom("", ",", "[", "]", "{", "}", ":", '"', " 0 ", " ", "\\", '"a":1,') })),
        async (value, indent, pieceLength, change) => {
          const text = JSON.stringify(value, null, indent);
          const at = (change?.at ?? 0) % text.length;
          const changed = change === null ? text : text.slice(0, at) + change.put + text.slice(at + change.cut);
          if (!changed.isWellFormed()) return;
          const [pieces, whole] = [await inPieces(changed, pieceLength), atOnce(changed)];
          if ("value" in whole) expect(pieces).toEqual(whole);
          else expect(pieces).toHaveProperty("code");
        },
      ),
      { numRuns: 5000 },
    );
  });

  it.each([
    ["[[1,1,1] [2,2,2]]", "JSON_MALFORMED"],
    ["[1,2,[3,3,3],]", "JSON_MALFORMED"],
    ["[5[3,3,3]]", "JSON_MALFORMED"],
    ['{"a":[3,3,3]"b":1}', "JSON_MALFORMED"],
    ["[1,2,3,,4]", "JSON_MALFORMED"],
    ['{"a":[1,1,1],"b":[1,1,1],"a":2}', "MEMBER_REPEATED"],
    ['{"a":[1,1,{"x":1,"x":2}]}', "MEMBER_REPEATED"],
    ['{"a":[1,1,{"x":9007199254740993}]}', "NUMBER_UNSAFE"],
    ['{"a":[1,1,{"__proto__":1}]}', "REQUEST_INVALID"],
    ['{"__proto__":[1,1,1],"b":1}', "REQUEST_INVALID"],
  ])("and is refused for the same fault as when it is read at once: %s", async (text, code) => {
    expect(await inPieces(text, 3)).toEqual({ code });
    expect(atOnce(text)).toEqual({ code });
  });

  it("with the places of what is refused", async () => {
    const text = JSON.stringify({ rows: [[1, 2], [3, 4], { constructor: 1 }] });
    await expect(parseJsonInTurns(Buffer.from(text), 4)).rejects.toMatchObject({ errors: [{ pointer: "#/rows/2/constructor" }] });
  });

  const lists = `[${"[1,2],".repeat(400_000)}[1,2]]`;
  it.each([
    ["read", lists, undefined],
    ["refused for a member that comes twice", `{"a":1,"rows":${lists},"a":2}`, "MEMBER_REPEATED"],
    ["refused for a number", `{"rows":${lists},"a":9007199254740993}`, "NUMBER_UNSAFE"],
    ["refused for its end", `{"rows":${lists},"a"}`, "JSON_MALFORMED"],
    // What is seen before anything is read of it takes too little time to give way.
    ["refused for its brackets", `{"rows":${lists}`, "JSON_MALFORMED"],
    ["refused for its depth", "[".repeat(130) + lists + "]".repeat(130), "REQUEST_INVALID"],
    ["read, as deep as it may be", "[".repeat(126) + lists + "]".repeat(126), undefined],
  ])("with turns for others between its pieces: %s", async (what, text, code) => {
    let turns = 0;
    let reading = true;
    const count = () => {
      turns++;
      if (reading) setImmediate(count);
    };
    setImmediate(count);
    const read = await parseJsonInTurns(Buffer.from(text)).catch((error: RepriseError) => error.code);
    reading = false;
    if (code === undefined) expect(JSON.stringify(read)).toBe(text);
    else expect(read).toBe(code);
    if (!["refused for its brackets", "refused for its depth"].includes(what)) expect(turns).toBeGreaterThan(1);
  });

  it("with texts of any length, and with backslashes before their quotes", () => {
    const byOne = (text: string): number => {
      let at = 1;
      for (; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
      return Math.min(at, text.length);
    };
    const texts = fc.array(fc.constantFrom("a", "a", "a", "a", "a", "a", "\\", '"'), { maxLength: 90 }).map((characters) => `"${characters.join("")}`);
    const sameEnd = fc.property(texts, (text) => {
      expect(Math.min(endOfString(text, 0), text.length)).toBe(byOne(text));
    });
    fc.assert(sameEnd, { numRuns: 5000 });
  });
});
