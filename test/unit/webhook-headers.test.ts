import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { checkConfig } from "../../src/config/config.ts";
import { makeWebhookAttempt } from "../../src/delivery/attempt/webhook-attempt.ts";
import { webhookHandler } from "../../src/delivery/handler.ts";
import { isRepriseError } from "../../src/errors.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

const orderPlaced = defineEvent("order.placed", { 1: z.object({}) });
const hook = (headers: Record<string, string>) =>
  webhookHandler({ name: "shipping", url: "http://127.0.0.1:9000/hook", events: ["order.placed"], headers }) as Parameters<typeof makeWebhookAttempt>[0];

/** What the config and what the attempt make of a webhook with these headers: null when they take it. */
function answers(headers: Record<string, string>): readonly (string | null)[] {
  const told = (run: () => unknown): string | null => {
    try {
      run();
      return null;
    } catch (error) {
      if (isRepriseError(error, "CONFIG_INVALID")) return error.message;
      throw error;
    }
  };
  return [
    told(() => checkConfig({ events: [orderPlaced], handlers: [hook(headers)] })),
    told(() => void makeWebhookAttempt(hook(headers), { clock: makeFakeClock() }).close()),
  ];
}

describe("the headers of a webhook's definition", () => {
  it.each([
    ...[
      "host",
      "content-type",
      "content-length",
      "content-encoding",
      "transfer-encoding",
      "connection",
      "keep-alive",
      "proxy-connection",
      "expect",
      "upgrade",
      "te",
      "trailer",
    ],
    ...["traceparent", "webhook-id", "webhook-timestamp", "webhook-signature"],
  ])("may not name %s, which Reprise sets: the config says so, and so does the attempt", (name) => {
    for (const written of [name, name.toUpperCase(), name.replace(/^./, (letter) => letter.toUpperCase())])
      for (const answer of answers({ [written]: "1" })) expect(answer).toContain("is set by Reprise");
  });

  it.each([
    ["a name with a blank", { "bad name": "hunter2" }],
    ["an empty name", { "": "hunter2" }],
    ["a name with a colon", { "x:y": "hunter2" }],
    ["a value with a line break", { "x-key": "hunter2\r\nhost: evil" }],
    ["a value that no header holds", { "x-key": "hunter2€" }],
  ])("are refused by both for %s, and the value is not told", (_what, headers) => {
    for (const answer of answers(headers)) {
      expect(answer).toContain("must have a valid header name, and a value of visible ASCII characters");
      expect(answer).not.toContain("hunter2");
    }
  });

  it("are refused by both when one is there twice, in other letters: only one of them could be sent", () => {
    for (const answer of answers({ "X-Key": "hunter2", "x-key": "hunter3" })) {
      expect(answer).toContain("is there twice, in other letters: keep one of them");
      expect(answer).not.toContain("hunter");
    }
  });

  it.each(["authorization", "User-Agent", "accept", "x-tenant", "tracestate", "webhook-version", "cookie"])("may name %s", (name) => {
    expect(answers({ [name]: "1" })).toEqual([null, null]);
  });
});
