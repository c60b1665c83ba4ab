import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RepriseError } from "../../src/errors.ts";
import { parseJsonText } from "../../src/http/json.ts";

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
