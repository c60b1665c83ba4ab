/** Makes the spec that delivery works with from a handler of the config: finds its types in the catalog and fills in its defaults. */
import type { Catalog } from "../catalog/catalog.ts";
import { shownUrl } from "../delivery/attempt/secrets.ts";
import type { HandlerDefinition } from "../delivery/handler.ts";
import { type HandlerSpec, RetryPolicies, type RetryPolicy } from "../delivery/handler-spec.ts";
import type { IntegrationSpec } from "../delivery/integration-spec.ts";
import { defaultTimes } from "../delivery/policy/decision-times.ts";
import { defined } from "./defined.ts";
import { handledTypes } from "./handled-types.ts";
import { integrationOf } from "./make-integration.ts";
import { defaultPolicy, overridden } from "./make-policy.ts";
import { type Preset, presets } from "./presets.ts";
import { invalid, list, show } from "./refuse.ts";

export function makeSpec(definition: HandlerDefinition, field: string, catalog: Catalog, integrations: ReadonlyMap<string, IntegrationSpec>): HandlerSpec {
  const types = typesOf(definition, field, catalog);
  const preset: Preset = definition.preset === undefined ? {} : presets[definition.preset];
  const under = overridden({ ...defaultPolicy, timeoutMs: definition.timeoutMs ?? defaultPolicy.timeoutMs }, preset.retry ?? {}, `${field}.preset`);
  const base = overridden(under, definition.retry ?? {}, `${field}.retry`);
  const byType = new Map<string, RetryPolicy>();
  for (const [type, overrides] of Object.entries(definition.retryByType ?? {})) {
    const place = `${field}.retryByType[${show(type)}]`;
    if (!types.includes(type)) throw invalid(place, `is for an event type that the handler does not take: it takes ${types.join(", ")}`);
    byType.set(type, overridden(base, overrides ?? {}, place));
  }
  return {
    name: definition.name,
    types,
    ordering: definition.ordering ?? "strict",
    concurrency: definition.concurrency ?? 16,
    startFrom: definition.startFrom ?? null,
    partitions: definition.partitions ?? null,
    record: definition.record ?? preset.record ?? "batch",
    unknownOutcome: definition.unknownOutcome ?? preset.unknownOutcome ?? "repeat",
    integration: integrationOf(definition, preset, field, integrations),
    escalate: definition.escalate ?? null,
    decisions: { ...defaultTimes, ...defined(definition.escalation ?? {}) },
    policies: new RetryPolicies(base, byType),
    definition,
    endpoint: definition.kind === "webhook" ? shownUrl(definition.url) : null,
  };
}

/** Current types that a handler wants, sorted; each must be in the catalog. */
function typesOf(definition: HandlerDefinition, field: string, catalog: Catalog): readonly string[] {
  if (definition.kind === "webhook" && definition.events.includes("*")) {
    if (definition.events.length > 1) throw invalid(`${field}.events`, 'has "*" beside other types: "*" alone means all of the catalog');
    return catalog.types;
  }
  const named =
    definition.kind === "webhook" ? definition.events.map((type, index) => ({ type, place: `${field}.events[${index}]` })) : handledTypes(definition, field);
  const types = new Set<string>();
  for (const { type, place } of named) {
    const current = catalog.resolve(type);
    if (current === undefined)
      throw invalid(
        place,
        `is ${show(type)}, which is no event type of the catalog: correct the name, or list its definition in \`events\`; known are ${list(catalog.types)}`,
      );
    if (current !== type) throw invalid(place, `is ${show(type)}, the former name of ${show(current)}: use the current one`);
    if (types.has(type)) throw invalid(place, `is ${show(type)}, which is listed already: remove one of the two`);
    types.add(type);
  }
  return [...types].sort();
}
