/** Bytes that are hardly HTTP: requests that were damaged on the way, or were never any. */
import type { Random } from "./random.ts";

const event = '{"type":"order.placed","entity":{"type":"order","id":"o-1"},"data":{"cents":1}}';

/** Requests as they should be. */
function wholeRequests(key: string): readonly string[] {
  const head = `Host: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\n`;
  const json = `${head}Content-Type: application/json\r\n`;
  const chunks = `${event.slice(0, 20).length.toString(16)}\r\n${event.slice(0, 20)}\r\n${event.slice(20).length.toString(16)}\r\n${event.slice(20)}\r\n0\r\n\r\n`;
  return [
    `GET /healthz HTTP/1.1\r\n${head}\r\n`,
    `GET /events?limit=1 HTTP/1.1\r\n${head}Accept: application/cloudevents-batch+json\r\n\r\n`,
    `GET /admin/dlq/${key} HTTP/1.1\r\n${head}\r\n`,
    `POST /events HTTP/1.1\r\n${json}Content-Length: ${event.length}\r\n\r\n${event}`,
    `POST /events HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\n${chunks}`,
    `POST /events HTTP/1.1\r\n${json}Expect: 100-continue\r\nContent-Length: ${event.length}\r\n\r\n${event}`,
    `POST /handlers/reader/resume HTTP/1.1\r\n${head}Idempotency-Key: k\r\nContent-Length: 0\r\n\r\n`,
    `PATCH /replays/x HTTP/1.1\r\n${json}Content-Length: 2\r\n\r\n{}`,
    `POST /events HTTP/1.1\r\n${head}ce-id: 1\r\nce-specversion: 1.0\r\nce-source: fuzz\r\nce-type: order.placed\r\nce-subject: order/o-1\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"cents":1}`,
  ];
}

const neverAny: readonly (() => Buffer)[] = [
  () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
  () => Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  () => Buffer.from("GET /events\r\n"),
  () => Buffer.from("\r\n\r\n\r\n"),
  () => Buffer.from("*1\r\n$4\r\nPING\r\n"),
  () => Buffer.alloc(20_000, 0x61),
  () => Buffer.alloc(100),
];

/** Each damages a request in one way; latin1, so that a character is a byte. */
const damages: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => replaceAt(text, random.below(text.length), String.fromCharCode(random.below(256))),
  (text, random) => insertAt(text, random.below(text.length), String.fromCharCode(random.below(256)).repeat(random.one([1, 3, 50]))),
  (text, random) => text.slice(0, random.below(text.length)),
  (text, random) => {
    const at = random.below(text.length);
    return text.slice(0, at) + text.slice(at + random.below(30));
  },
  (text) => text.replaceAll("\r\n", "\n"),
  (text) => text.replace("\r\n", "\r"),
  (text) => text.replaceAll("\r\n", "\r\n\r\n"),
  (text, random) => text.replace("HTTP/1.1", random.one(["HTTP/1.0", "HTTP/0.9", "HTTP/2", "HTTP/1.10", "http/1.1", ""])),
  (text, random) =>
    text.replace(/^[A-Z]+/, (method) => random.one(["OPTIONS", "TRACE", "PUT", "DELETE", "BREW", "get", "", `${method} `, "M-SEARCH", "QUERY"])),
  (text, random) =>
    text.replace(
      / \/\S*/,
      random.one([
        " *",
        " http://127.0.0.1/events",
        " http://evil.example/events",
        " //events",
        " /events#x",
        " /%",
        " /ev\xe9nts",
        ` /${"a".repeat(17_000)}`,
        " /events?%zz=%",
        " ",
      ]),
    ),
  (text, random) =>
    text.replace(/Content-Length: \d+/, (length) =>
      random.one([
        `${length}\r\n${length}`,
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: -1",
        "Content-Length: 1e3",
        "Content-Length: +5",
        "Content-Length: 0x5",
        `Content-Length: ${"9".repeat(30)}`,
        `${length}\r\nTransfer-Encoding: chunked`,
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "X-None: 1",
        "Content-Length: 1",
      ]),
    ),
  (text, random) =>
    text.replace(
      /\r\n[0-9a-f]+\r\n/,
      random.one(["\r\nzz\r\n", "\r\n-1\r\n", "\r\nfffffffffffffffff\r\n", `\r\n14;${"x".repeat(20_000)}\r\n`, "\r\n14 \r\n", "\r\n"]),
    ),
  (text, random) =>
    withHeader(
      text,
      random.one([
        `X: ${"x".repeat(17_000)}`,
        "X y: 1",
        ": 1",
        "X",
        "X:\u0000",
        "X: \x01",
        "X: a\r\n b",
        "Host: other",
        "Host: a, b",
        "Connection: close",
        "Connection: upgrade\r\nUpgrade: websocket",
        "Expect: 300-x",
        "Trailer: X",
        "X\xe9: 1",
        "__proto__: 1",
        "constructor: 1",
        "Content-Length: 3",
      ]),
    ),
  (text) => withHeader(text, Array.from({ length: 2500 }, (_, index) => `X${index}: 1`).join("\r\n")),
  (text) => text.replace(/Host: [^\r]*\r\n/, ""),
  (text) => text + text,
  (text) => text + "GARBAGE\r\n\r\n",
];

export function makeBytes(random: Random, keys: readonly string[]): () => Buffer {
  return () => {
    if (random.some(0.05)) return random.one(neverAny)();
    let text = random.one(wholeRequests(random.one(keys)));
    for (let times = random.below(3); times >= 0; times--) if (text !== "") text = random.one(damages)(text, random);
    return Buffer.from(text, "latin1");
  };
}

function replaceAt(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1);
}

function insertAt(text: string, at: number, what: string): string {
  return text.slice(0, at) + what + text.slice(at);
}

function withHeader(text: string, line: string): string {
  return text.replace("\r\n", `\r\n${line}\r\n`);
}
