import { describe, expect, it } from "vitest";
import { readServeSettings } from "../../src/cli/serve-settings.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { loggedError, toAttemptError } from "../../src/delivery/attempt/attempt-error.ts";
import { makeCutSecrets, shownUrl } from "../../src/delivery/attempt/secrets.ts";

const token = "tok/en+with=odd?chars-4f9a";
const key = "T0ABCDEFGHIJK1LMNOPQRSTUV";
const handler = {
  url: `https://user:pass%20word@example.org/hooks/${key}?key=${encodeURIComponent(token)}&v=1`,
  secret: ["whsec_c2VjcmV0LW9mLXRoZS1ob29r", "whsec_b2xkLXNlY3JldA=="],
  headers: {
    authorization: `Bearer ${token}`,
    "x-api-key": "k-8812",
    "user-agent": "shop",
    "proxy-authorization": `Basic ${Buffer.from("robot:hunter22").toString("base64")}`,
  },
};
const canaries = [token, "k-8812", "pass word", "pass%20word", "hunter22", "c2VjcmV0LW9mLXRoZS1ob29r", "b2xkLXNlY3JldA==", key];

describe("what comes back from a receiver", () => {
  const cut = makeCutSecrets(handler);

  it.each(canaries)("holds no %s, however it is written", (canary) => {
    const bytes = Buffer.from(canary);
    const written = [
      canary,
      JSON.stringify({ authorization: `Bearer ${canary}` }),
      encodeURIComponent(canary),
      encodeURIComponent(canary).toLowerCase(),
      bytes.toString("hex"),
      canary.toUpperCase(),
      bytes.toString("base64url"),
      ...[0, 1, 2, 3, 4].map((before) => Buffer.concat([Buffer.from("x".repeat(before)), bytes, Buffer.from("tail")]).toString("base64")),
      ...[0, 1, 2].map((before) => Buffer.concat([Buffer.from("x".repeat(before)), bytes, Buffer.from("tail")]).toString("base64url")),
    ];
    for (const text of written) {
      const left = cut(`you sent ${text} to us`);
      expect([text, left.includes("[secret]")]).toEqual([text, true]);
      expect(left).toMatch(/^you sent .* to us$/);
      expect(left).not.toContain(canary);
    }
  });

  it("holds no beginning of one where it was cut off", () => {
    expect(cut(`echo ${token.slice(0, 12)}`)).toBe("echo [secret]");
  });

  it("keeps all else, also what every client sends", () => {
    expect(cut("user shop is not allowed: v=1")).toBe("user shop is not allowed: v=1");
  });
});

describe("an address", () => {
  it.each([
    ["https://example.org/hook", "https://example.org/hook"],
    ["http://127.0.0.1:9000/a/b", "http://127.0.0.1:9000/a/b"],
    ["http://127.0.0.1:9000/api/v2/order.placed/on-call/", "http://127.0.0.1:9000/api/v2/order.placed/on-call/"],
  ])("without secrets is shown as it is: %s", (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
  });

  it.each([
    "bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5",
    "T0CANARY1",
    "tok_7f3a",
    "eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG",
    "Geheim",
    "a%20b%3Dc9",
    "k~5aQ==",
  ])("with a key of any kind in its path is shown without it, and the key is cut from answers: %s", (segment) => {
    const url = `https://example.org/hooks/${segment}/send`;
    expect(shownUrl(url)).toMatch(/^https:\/\/example\.org\/hooks\/…\/send#[0-9a-f]{8}$/);
    const left = makeCutSecrets({ url })(`no such page: /hooks/${segment}/send`);
    if (segment.length >= 8) expect(left).toBe("no such page: /hooks/[secret]/send");
  });

  it("with secrets is shown without them, and is another one when they change", () => {
    expect(shownUrl(handler.url)).toMatch(/^https:\/\/example\.org\/hooks\/…\?key=…&v=…#[0-9a-f]{8}$/);
    expect(shownUrl("https://example.org/hook?token=a1")).not.toBe(shownUrl("https://example.org/hook?token=a2"));
    for (const canary of canaries) expect(shownUrl(handler.url)).not.toContain(canary);
  });
});

describe("a mistyped log", () => {
  it.each([
    "esbd://admin:changeit@host:2113",
    "esdb:admin:changeit@host",
    "esdb:/admin:changeit@host",
    "admin:changeit@host:2113",
    "esdb//admin:changeit@host",
    "mysql://host/?password=changeit",
    "host:2113?password=changeit",
    "esdb+discovery://a:change@it:changeit@host",
    "changeit@host",
    "ESDB ://admin:changeit@host",
  ])("%s is named without its password", async (log) => {
    let text = "";
    try {
      readServeSettings({}, { REPRISE_LOG: log });
    } catch (error) {
      text += String(error);
    }
    await openStore(defineConfig({ events: [], handlers: [] }), { log }).catch((error: unknown) => void (text += String(error)));
    expect(text).toMatch(/REPRISE_LOG is .*it must be sqlite:<folder>.*it must be sqlite:<folder>/s);
    expect(text).not.toMatch(/change/);
  });

  it("that is a folder is named whole", () => {
    expect(() => readServeSettings({}, { REPRISE_LOG: "./data" })).toThrow('REPRISE_LOG is "./data"');
  });
});

describe("an error of a handler", () => {
  it.each<[string, () => unknown, string]>([
    ["JSON.parse", () => JSON.parse("canary 4111"), "is not valid JSON"],
    ["JSON.parse of a part", () => JSON.parse('{"card":canary4111}'), "is not valid JSON"],
    ["BigInt", () => BigInt("canary4111"), "Cannot convert … to a BigInt"],
    ["a pattern", () => new RegExp(`(${["canary", 4111].join("")}`), "Invalid regular expression: …"],
    ["a time zone", () => new Intl.DateTimeFormat("en", { timeZone: "canary4111" }), "Invalid time zone specified: …"],
    ["a list that is none", () => new Map(["canary4111"] as never), "Iterator value … is not an entry object"],
    ["in", () => "x" in ("canary4111" as never), "operator to search for"],
    ["Node", () => Buffer.from(4111 as never), "Received …"],
    ["Node's path", () => process.chdir("/canary/4111"), "ENOENT"],
  ])("holds nothing that the engine quotes: %s", (_what, act, kept) => {
    try {
      act();
      expect.unreachable();
    } catch (error) {
      const told = toAttemptError(error);
      expect(told.message).toContain(kept);
      expect(JSON.stringify([told, loggedError(error)])).not.toMatch(/canary|4111/);
    }
  });

  it("keeps its own words, and the names of members", () => {
    expect(toAttemptError(new Error('customer "7" is blocked')).message).toBe('customer "7" is blocked');
    expect(toAttemptError(new TypeError("the total is negative")).message).toBe("the total is negative");
    const read = () => (undefined as unknown as { total: number }).total;
    try {
      read();
    } catch (error) {
      expect(toAttemptError(error).message).toBe("Cannot read properties of undefined (reading 'total')");
    }
  });

  it("is logged without the other values that it carries", () => {
    const error = Object.assign(new Error("no"), { input: "canary", config: { headers: { authorization: "canary" } }, code: "E1" });
    expect(loggedError(error)).toEqual({ type: "Error", message: "no", stack: expect.any(String), code: "E1" });
  });
});
