/** What nobody would send: texts, values, headers and bodies. */
import type { Random } from "./random.ts";

const texts = [
  ...["", " ", "0", "-1", "-0", "1", "1e400", "007", "1.5", "null", "true", "undefined", "NaN", "[object Object]", "x".repeat(300), "x".repeat(9000)],
  ...[
    "..",
    ".",
    "/",
    "//",
    "\\",
    "%",
    "%zz",
    "%00",
    "%2F",
    "%252e%252e",
    "\u0000",
    "\ud800",
    "\udfff",
    "é",
    "\u202e",
    "\u2028",
    "😀",
    "e\u0301",
    "\u00ad",
    "\ufeff",
  ],
  ...["'", '"', "`", "$", "{}", "[]", "${x}", "<script>", "' or 1=1 --", "a\tb", "a\nb", "a\r\nb: c", ",", ";", "*", "?", "#", "&", "="],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "length", "default", "reprise", "*", "order", "note", "reader", "a/b", "o-1"],
  ...["2026-01-31T12:00:00Z", "2026-13-01T00:00:00Z", "0000-00-00", "-271821-04-20T00:00:00Z", "9007199254740993", "18446744073709551616", "9".repeat(400)],
  ...["00000000-0000-0000-0000-000000000000", "018F2B2E-7C4A-7D3B-8A1E-0123456789AB", "018f2b2e-7c4a-7d3b-8a1e-0123456789ag"],
] as const;

const kinds = [
  ...[
    "",
    "json",
    "/",
    "application/json/x",
    "text/plain",
    "application/json;charset=utf-16",
    'application/json; charset="utf-8"',
    "application/json;;;",
    "APPLICATION/JSON",
  ],
  ...[
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/cloudevents+avro",
    "application/vnd.x+json",
    "multipart/form-data; boundary=x",
    "*/*",
  ],
] as const;

const headers: readonly (readonly [name: string, values: readonly string[]])[] = [
  [
    "accept",
    [
      "",
      "*/*",
      "text/html",
      "application/cloudevents-batch+json",
      "application/cloudevents-batch+json;q=0.5, */*;q=0.9",
      ",,;q=;",
      "a/b;q=9",
      `${"*/*,".repeat(500)}`,
    ],
  ],
  ["content-encoding", ["gzip", "identity", "br, gzip", "x"]],
  ["content-length", ["0", "1", "99999999999", "-1", "1e3", "0x10"]],
  ["accept-encoding", ["gzip", "*;q=0"]],
  ["host", ["evil.example", "127.0.0.1:1", "[::1]", "localhost", "", "localhost@evil.example", "a b"]],
  ["origin", ["null", "http://localhost", "https://evil.example", "x", "http://127.0.0.1:99999"]],
  ["idempotency-key", ["k", "k2", "", " ", "x".repeat(255), "x".repeat(256), '"quoted"', "a,b", "é"]],
  ["ce-id", ["1", "", "%zz", "018f2b2e-7c4a-7d3b-8a1e-0123456789ab"]],
  ["ce-specversion", ["1.0", "0.3", ""]],
  ["if-none-match", ["*", '"x"']],
  ["if-match", ["*"]],
  ["range", ["bytes=0-1", "x"]],
  ["prefer", ["respond-async", "return=minimal"]],
  ["cookie", ["a=b", "=;=;", "__proto__=1"]],
  ["x-forwarded-for", ["1.2.3.4", "x", ",,"]],
  ["x-forwarded-proto", ["https", "x"]],
  ["x-forwarded-host", ["evil.example"]],
  ["x-http-method-override", ["DELETE"]],
  ["x-request-id", ["mine", "x".repeat(2000)]],
  ["traceparent", ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "x"]],
  ["last-event-id", ["1", "x", "-1"]],
  ["connection", ["upgrade", "close, x"]],
  ["upgrade", ["websocket", "h2c"]],
  ["te", ["trailers"]],
];

export interface Odd {
  text(): string;
  /** Any JSON. */
  json(depth?: number): unknown;
  contentType(): string;
  /** Some headers. */
  headers(): Record<string, string>;
  /** A document that is not what was meant: cut, doubled, in another encoding, or too large. */
  bytes(text: string): string | Buffer;
}

/** @param marks texts that must not be found anywhere afterwards, and ids that are known. */
export function makeOdd(random: Random, marks: () => readonly string[]): Odd {
  const text = (): string => {
    const known = marks();
    return known.length > 0 && random.some(0.15) ? random.one(known) : random.one(texts);
  };
  const json = (depth = 0): unknown => {
    if (depth > 4 || random.some(0.5)) return random.one<unknown>([null, true, false, 0, -0, -1, 1.5, 1e15, 2 ** 53, -1e308, "", text(), [], {}]);
    if (random.some(0.5)) return random.list(5, () => json(depth + 1));
    return Object.fromEntries(random.list(5, () => [text(), json(depth + 1)]));
  };
  return {
    text,
    json,
    contentType: () => random.one(kinds),
    headers: () => Object.fromEntries(random.list(3, () => random.one(headers)).map(([name, values]) => [name, random.one(values)])),
    bytes: (whole) =>
      random.one<() => string | Buffer>([
        () => whole.slice(0, random.below(whole.length + 1)),
        () => whole + whole,
        () => "",
        () => " \r\n\t",
        () => `\ufeff${whole}`,
        () => Buffer.from(whole, "utf16le"),
        () => Buffer.concat([Buffer.from(whole.slice(0, -1)), Buffer.from([0xff, 0xfe, 0x80]), Buffer.from(whole.slice(-1))]),
        () => whole.replace(/\d+/, "1e400"),
        () => whole.replace(/\d+/, "9007199254740993"),
        () => whole.replace("{", '{"type":1,"type":2,'),
        () => whole.replaceAll('"', "'"),
        () => "[".repeat(random.one([10, 200, 5000])),
        () => `{"a":`.repeat(150) + "1" + "}".repeat(150),
        () => JSON.stringify(Array(1001).fill(0)),
        () => JSON.stringify({ events: Array(1001).fill({}) }),
        () => JSON.stringify(Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`m${index}`, index]))),
        () => (random.some(0.1) ? `"${"x".repeat(4_200_000)}"` : "{}"),
      ])(),
  };
}
