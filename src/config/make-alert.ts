/** Makes the alerts that a process works with, and finds what in them does not fit together. */
import type { AlertDefinition, AlertKind } from "../alerts/alert-definition.ts";
import { type AlertSpec, needsLimit } from "../alerts/alert-spec.ts";
import { invalid, list, show } from "./refuse.ts";

const defaults = { withinMs: 300_000, quietMs: 5000 };

type Limit = "handler" | "integration" | "tenant" | "withinMs";
const limitsOf: Readonly<Record<AlertKind, readonly Limit[]>> = {
  dead_letters: ["handler", "tenant"],
  dead_letter_rate: ["handler", "tenant", "withinMs"],
  oldest_dead_letter: ["handler", "tenant"],
  breaker_open: ["integration"],
  escalation_due: ["handler", "tenant"],
  lag: ["handler"],
  handler_stopped: ["handler"],
  log_down: [],
};
const allLimits = ["handler", "integration", "tenant", "withinMs"] as const;

interface Known {
  readonly handlers: readonly string[];
  readonly integrations: readonly string[];
}

/** @throws CONFIG_INVALID */
export function makeAlertSpecs(definitions: readonly AlertDefinition[], known: Known): readonly AlertSpec[] {
  const names = new Map<string, number>();
  return definitions.map((definition, index) => {
    const field = `alerts[${index}]`;
    const spec = makeSpec(definition, field, known);
    const twin = names.get(spec.name);
    if (twin !== undefined)
      throw invalid(
        `${field}.name`,
        `${definition.name === undefined ? "is missing: it would be" : "is"} ${show(spec.name)}, as that of alerts[${twin}] is: give each a name`,
      );
    names.set(spec.name, index);
    return spec;
  });
}

function makeSpec(definition: AlertDefinition, field: string, known: Known): AlertSpec {
  const { when, over, handler, integration, tenant } = definition;
  const taken = limitsOf[when];
  const surplus = allLimits.find((limit) => definition[limit] !== undefined && !taken.includes(limit));
  if (surplus !== undefined)
    throw invalid(`${field}.${surplus}`, `is not for ${show(when)}, which ${taken.length === 0 ? "is about all" : `takes ${list(taken)}`}: remove it`);
  if (over === undefined && needsLimit(when))
    throw invalid(`${field}.over`, `is missing: ${show(when)} fires above a number of ${when.startsWith("dead_letter") ? "dead letters" : "seconds"}`);
  mustBeKnown(handler, `${field}.handler`, known.handlers);
  mustBeKnown(integration, `${field}.integration`, known.integrations);
  return {
    name: definition.name ?? nameOf(definition),
    when,
    over: over ?? 0,
    withinMs: definition.withinMs ?? defaults.withinMs,
    handler: handler ?? null,
    integration: integration ?? null,
    tenant: tenant ?? null,
    quietMs: definition.quietMs ?? defaults.quietMs,
    definition,
  };
}

function mustBeKnown(name: string | undefined, field: string, known: readonly string[]): void {
  if (name !== undefined && !known.includes(name))
    throw invalid(field, `is ${show(name)}, which is none of the config's: correct the name; known are ${list(known)}`);
}

/** Stable as long as the alert is about the same. */
function nameOf({ when, handler, integration, tenant }: AlertDefinition): string {
  const about = [handler, integration, tenant].filter((part) => part !== undefined);
  return [when.replaceAll("_", "-"), ...about].join("-");
}
