/** Alerts as the config has them: their defaults, and what is refused, without a word of a secret. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { AlertDefinition } from "../../src/alerts/alert-definition.ts";
import { defineEvent } from "../../src/catalog/define.ts";
import { checkConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { defineIntegration } from "../../src/delivery/integration-definition.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const target = { url: "https://alerts.example/hook", secret };

function check(...alerts: readonly object[]) {
  return checkConfig({
    events: [happened],
    handlers: [defineHandler({ name: "charge", events: [happened], breaker: true, on: { "thing.happened": () => {} } })],
    integrations: [defineIntegration({ name: "bank" })],
    alerts: alerts.map((alert) => ({ ...target, ...alert })) as AlertDefinition[],
  }).alerts;
}

describe("an alert of the config", () => {
  it("has its defaults, and a name made of what it is about", () => {
    expect(
      check(
        { when: "dead_letters", over: 100 },
        { when: "dead_letters", over: 10, handler: "charge", tenant: "acme" },
        { when: "breaker_open", integration: "charge" },
        { when: "log_down", over: 30, name: "pager", quietMs: 60_000 },
      ),
    ).toMatchObject([
      { name: "dead-letters", over: 100, handler: null, tenant: null, quietMs: 5000 },
      { name: "dead-letters-charge-acme", over: 10, handler: "charge", tenant: "acme" },
      { name: "breaker-open-charge", over: 0, integration: "charge" },
      { name: "pager", over: 30, quietMs: 60_000 },
    ]);
  });

  it.each<[string, object | readonly object[], string]>([
    ["a kind that there is not", { when: "dead_lettres", over: 1 }, 'alerts[0].when is "dead_lettres": it must be "dead_letters" or'],
    ["no kind", {}, "alerts[0].when is missing"],
    ["no limit", { when: "dead_letters" }, 'alerts[0].over is missing: "dead_letters" fires above a number of dead letters'],
    ["no limit in seconds", { when: "lag" }, 'alerts[0].over is missing: "lag" fires above a number of seconds'],
    ["a limit that is no number", { when: "lag", over: "60" }, "alerts[0].over is"],
    ["a limit below nothing", { when: "lag", over: -1 }, "alerts[0].over is -1: it must be a number from 0"],
    ["a handler that there is not", { when: "lag", over: 1, handler: "chrage" }, 'alerts[0].handler is "chrage", which is none of the config\'s'],
    ["an integration that there is not", { when: "breaker_open", integration: "smtp" }, "known are bank, charge"],
    ["a filter of another kind", { when: "log_down", handler: "charge" }, 'alerts[0].handler is not for "log_down", which is about all: remove it'],
    ["a tenant where all count", { when: "lag", over: 1, tenant: "acme" }, 'alerts[0].tenant is not for "lag", which takes handler: remove it'],
    ["a time that is not asked for", { when: "dead_letters", over: 1, withinMs: 1000 }, "alerts[0].withinMs is not for"],
    ["Reprise's own tenant", { when: "dead_letters", over: 1, tenant: "reprise" }, "alerts[0].tenant is"],
    ["no address", { when: "log_down", url: undefined }, "alerts[0].url is missing"],
    ["an address with a password", { when: "log_down", url: "https://me:hunter2@alerts.example" }, "alerts[0].url is"],
    ["no secret", { when: "log_down", secret: undefined }, "alerts[0].secret is missing"],
    ["a secret that is none", { when: "log_down", secret: "hunter2" }, 'alerts[0].secret must be "whsec_"'],
    ["a header of Reprise's own", { when: "log_down", headers: { "webhook-id": "hunter2" } }, "is set by Reprise itself"],
    ["a field that there is not", { when: "log_down", threshold: 3 }, "alerts[0].threshold is an unknown field"],
    [
      "the same twice",
      [
        { when: "lag", over: 1 },
        { when: "lag", over: 9 },
      ],
      'alerts[1].name is missing: it would be "lag", as that of alerts[0] is: give each a name',
    ],
    [
      "a name twice",
      [
        { when: "lag", over: 1, name: "a" },
        { when: "log_down", name: "a" },
      ],
      'alerts[1].name is "a"',
    ],
    ["too many", Array.from({ length: 101 }, (_, index) => ({ when: "log_down", name: `a${index}` })), "alerts is a list: it must be at most 100 alerts"],
  ])("is refused with %s, and the message says where and shows no secret", (_, alerts, message) => {
    let told = "";
    try {
      check(...[alerts].flat());
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told).toContain(message);
    expect(told).not.toContain("hunter2");
    expect(told).not.toContain(secret);
  });

  it("is a list", () => {
    expect(() => checkConfig({ events: [happened], alerts: {} as never })).toThrow("alerts is an object: it must be a list of alerts");
  });
});
