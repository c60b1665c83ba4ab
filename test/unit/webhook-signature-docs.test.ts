/** The check of a signature by hand, as docs/delivery.md shows it. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { repositoryFolder } from "../support/run-tool.ts";

type IsGenuine = (secret: string, headers: Record<string, string | undefined>, rawBody: string | Buffer, nowMs?: number) => boolean;

const page = readFileSync(join(repositoryFolder, "docs/delivery.md"), "utf8");
const [snippet] = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!).filter((code) => code.includes("timingSafeEqual"));
const module = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(snippet!))}`)) as { isGenuine: IsGenuine };
const { isGenuine } = module;

const secret = `whsec_${Buffer.from("a secret of some length").toString("base64")}`;
const body = '{"specversion":"1.0","data":{"name":"Zoë"}}';
const nowMs = Date.UTC(2026, 0, 31, 12);

function signed(sentMs = nowMs, by = secret): Record<string, string | undefined> {
  const sentAt = new Date(sentMs);
  const id = "5b6f0a3e-2a41-5c0e-9a57-6d1d3a0c7b42";
  return { "webhook-id": id, "webhook-timestamp": `${Math.floor(sentMs / 1000)}`, "webhook-signature": new Webhook(by).sign(id, sentAt, body) };
}

describe("the signature check of docs/delivery.md", () => {
  it("takes what Reprise signs, also with several secrets and as bytes", () => {
    expect(isGenuine(secret, signed(), body, nowMs)).toBe(true);
    expect(isGenuine(secret, signed(), Buffer.from(body), nowMs)).toBe(true);
    expect(isGenuine(secret, signed(nowMs - 299_000), body, nowMs)).toBe(true);
    const both = { ...signed(), "webhook-signature": `${signed(nowMs, "whsec_b3RoZXI=")["webhook-signature"]} ${signed()["webhook-signature"]}` };
    expect(isGenuine(secret, both, body, nowMs)).toBe(true);
  });

  it("refuses another body, id, secret, version", () => {
    expect(isGenuine(secret, signed(), `${body} `, nowMs)).toBe(false);
    expect(isGenuine(secret, { ...signed(), "webhook-id": "x" }, body, nowMs)).toBe(false);
    expect(isGenuine("whsec_b3RoZXI=", signed(), body, nowMs)).toBe(false);
    expect(isGenuine(secret, { ...signed(), "webhook-signature": signed()["webhook-signature"]!.replace("v1,", "v1a,") }, body, nowMs)).toBe(false);
  });

  it.each([nowMs - 301_000, nowMs + 301_000, 0])("refuses a request of another time: %i", (sentMs) => {
    expect(isGenuine(secret, signed(sentMs), body, nowMs)).toBe(false);
  });

  it.each([undefined, "", "v1", "v1,", "v1,AA==", `v1,${"A".repeat(1000)}`, ",,,", "v1,é", " ", "v1,AAAA v2,BBBB"])("bears the signature %s", (signature) => {
    expect(isGenuine(secret, { ...signed(), "webhook-signature": signature }, body, nowMs)).toBe(false);
  });

  it.each([undefined, "", "soon", "1e9", "-1", "NaN", "9".repeat(400)])("bears the timestamp %s", (timestamp) => {
    expect(isGenuine(secret, { ...signed(), "webhook-timestamp": timestamp }, body, nowMs)).toBe(false);
  });
});
