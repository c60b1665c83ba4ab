/** Integrations and breakers as the config has them: which one a handler gets, and what is refused. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { checkConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerOptions } from "../../src/delivery/handler.ts";
import { defineIntegration, type IntegrationDefinition } from "../../src/delivery/integration-definition.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
const defaults = { failures: 5, withinMs: 30_000, coolDownMs: 30_000 };

function check(handler: Partial<HandlerOptions>, ...integrations: readonly IntegrationDefinition[]) {
  const handlers = [defineHandler({ name: "charge", events: [happened], ...handler, on: { "thing.happened": () => {} } })];
  return checkConfig({ events: [happened], handlers, integrations: integrations.map(defineIntegration) });
}
const integrationOf = (...args: Parameters<typeof check>) => check(...args).handlers[0]!.integration;

describe("the integration of a handler", () => {
  it.each<{ readonly name: string; readonly handler: Partial<HandlerOptions>; readonly integration?: IntegrationDefinition; readonly expected: object | null }>(
    [
      { name: "is none for a plain handler", handler: {}, expected: null },
      { name: "is none for a payment that names none", handler: { preset: "payment" }, expected: null },
      {
        name: "is the one it names, with a breaker",
        handler: { integration: "bank" },
        integration: { name: "bank" },
        expected: { name: "bank", concurrency: null, breaker: defaults, perSecond: null },
      },
      {
        name: "has what it was defined with",
        handler: { integration: "bank", preset: "readOnly" },
        integration: { name: "bank", concurrency: 4, breaker: { failures: 2 }, rate: { perSecond: 0.5 } },
        expected: { name: "bank", concurrency: 4, breaker: { ...defaults, failures: 2 }, perSecond: 0.5 },
      },
      { name: "may have no breaker", handler: { integration: "bank" }, integration: { name: "bank", breaker: false }, expected: { breaker: null } },
      {
        name: "is its own, where it asks for a breaker",
        handler: { breaker: { coolDownMs: 10 } },
        expected: { name: "charge", breaker: { ...defaults, coolDownMs: 10 } },
      },
      {
        name: "is its own, where its preset asks for one",
        handler: { preset: "readOnly" },
        expected: { name: "charge", concurrency: null, breaker: defaults },
      },
      { name: "is none, where it takes its preset's off", handler: { preset: "readOnly", breaker: false }, expected: null },
    ],
  )("$name", ({ handler, integration, expected }) => {
    const found = integrationOf(handler, ...(integration === undefined ? [] : [integration]));
    if (expected === null) expect(found).toBeNull();
    else expect(found).toMatchObject(expected);
  });

  it("is listed once, whether handlers share it or not", () => {
    expect(check({ breaker: true }, { name: "bank" }).integrations.map(({ name }) => name)).toEqual(["bank", "charge"]);
    expect(check({ integration: "bank" }, { name: "bank" }, { name: "post" }).integrations.map(({ name }) => name)).toEqual(["bank", "post"]);
  });
});

describe("what is refused", () => {
  it.each<{ readonly handler?: Partial<HandlerOptions>; readonly integrations?: readonly unknown[]; readonly message: string }>([
    {
      ...{ handler: { integration: "bnak" }, integrations: [{ name: "bank" }, { name: "post" }] },
      message: 'handlers[0].integration is "bnak", which is none of the config\'s: correct the name, or list it in `integrations`; known are bank, post.',
    },
    { handler: { integration: "bank" }, message: "known are none." },
    {
      handler: { integration: "bank", breaker: true },
      integrations: [{ name: "bank" }],
      message: "handlers[0].breaker stands beside `integration`, which has a breaker for all its handlers",
    },
    { handler: { integration: "bank", breaker: false }, integrations: [{ name: "bank" }], message: "handlers[0].breaker stands beside `integration`" },
    {
      handler: { breaker: true },
      integrations: [{ name: "charge" }],
      message: 'which would have the name of the integration "charge": name that as `integration`',
    },
    { handler: { preset: "readOnly" }, integrations: [{ name: "charge" }], message: "handlers[0].breaker is one of the handler's own" },
    { handler: { breaker: { failures: 0 } }, message: "handlers[0].breaker" },
    { handler: { breaker: "yes" as unknown as boolean }, message: 'handlers[0].breaker is "yes": it must be true, false or an object' },
    { integrations: [{ name: "bank" }, { name: "bank" }], message: 'integrations[1].name is "bank", the name of an earlier one too' },
    { integrations: [{ name: "Bank" }], message: 'integrations[0].name is "Bank": it must be 1 to 63 lower-case letters' },
    { integrations: [{ name: "bank", concurrency: 0 }], message: "integrations[0].concurrency is 0: it must be a whole number from 1 to 1000" },
    { integrations: [{ name: "bank", rate: { perSecond: 0 } }], message: "integrations[0].rate.perSecond is 0: it must be a number from 0.01 to 10000" },
    { integrations: [{ name: "bank", rate: 20 }], message: "integrations[0].rate is 20: it must be an object, { perSecond: 20 }" },
    { integrations: [{ name: "bank", breaker: { coolDownMs: 300_001 } }], message: "integrations[0].breaker" },
    { integrations: [{ name: "bank", brekaer: true }], message: "integrations[0].brekaer is an unknown field" },
    { integrations: ["bank"], message: 'integrations[0] is "bank": it must be made by defineIntegration' },
  ])("$message", ({ handler = {}, integrations = [], message }) => {
    expect(() => check(handler, ...(integrations as readonly IntegrationDefinition[]))).toThrow(message);
  });
});
