/** Makes the integrations that delivery works with, and finds that of a handler. */
import type { HandlerDefinition } from "../delivery/handler.ts";
import type { BreakerOptions, IntegrationDefinition } from "../delivery/integration-definition.ts";
import type { BreakerRules, IntegrationSpec } from "../delivery/integration-spec.ts";
import { defined } from "./defined.ts";
import type { Preset } from "./presets.ts";
import { invalid, list, show } from "./refuse.ts";

const defaultBreaker: BreakerRules = { failures: 5, withinMs: 30_000, coolDownMs: 30_000 };

/** Those of the config's list, by name. */
export function makeIntegrations(definitions: readonly IntegrationDefinition[]): ReadonlyMap<string, IntegrationSpec> {
  const made = new Map<string, IntegrationSpec>();
  for (const [index, { name, concurrency, breaker = true, rate }] of definitions.entries()) {
    if (made.has(name))
      throw invalid(`integrations[${index}].name`, `is ${show(name)}, the name of an earlier one too: give each integration a name of its own`);
    made.set(name, { name, concurrency: concurrency ?? null, breaker: rulesOf(breaker), perSecond: rate?.perSecond ?? null });
  }
  return made;
}

/** The integration that the handler names, or one of its own where it or its preset asks for a breaker; null: none. */
export function integrationOf(
  { name, integration, breaker }: HandlerDefinition,
  preset: Preset,
  field: string,
  integrations: ReadonlyMap<string, IntegrationSpec>,
): IntegrationSpec | null {
  if (integration !== undefined) {
    const found = integrations.get(integration);
    if (found === undefined)
      throw invalid(
        `${field}.integration`,
        `is ${show(integration)}, which is none of the config's: correct the name, or list it in \`integrations\`; known are ${list([...integrations.keys()])}`,
      );
    if (breaker !== undefined)
      throw invalid(`${field}.breaker`, "stands beside `integration`, which has a breaker for all its handlers: give it to defineIntegration");
    return found;
  }
  const rules = rulesOf(breaker ?? preset.breaker ?? false);
  if (rules === null) return null;
  if (integrations.has(name))
    throw invalid(`${field}.breaker`, `is one of the handler's own, which would have the name of the integration ${show(name)}: name that as \`integration\``);
  return { name, concurrency: null, breaker: rules, perSecond: null };
}

function rulesOf(breaker: BreakerOptions | boolean): BreakerRules | null {
  if (breaker === false) return null;
  return breaker === true ? defaultBreaker : { ...defaultBreaker, ...defined(breaker) };
}
