import type { EventDefinition, UpcasterChain } from "../define.ts";
import type { Finding } from "./finding.ts";
import * as found from "./findings.ts";
import type { Lock, LockedType } from "./lock.ts";

/** Compares definitions that make no catalog with the lock: what the lock has and they lack, and where steps are missing. Empty for any other fault. */
export function checkDefinitionsOnly(lock: Lock | null, events: readonly EventDefinition[], upcasters: readonly UpcasterChain[]): readonly Finding[] {
  const findings: Finding[] = [];
  const lockedOf = (event: EventDefinition): LockedType | undefined => [event.type, ...event.formerly].map((name) => lock?.types[name]).find(Boolean);
  for (const name of Object.keys(lock?.types ?? {}))
    if (!events.some(({ type, formerly }) => type === name || formerly.includes(name))) findings.push(found.typeDisappeared(name));
  for (const event of events) {
    const versions = new Set(Object.keys(event.schemas).map(Number));
    const locked = lockedOf(event)?.versions ?? {};
    for (const version of Object.keys(locked).map(Number)) if (!versions.has(version)) findings.push(found.versionDisappeared(event.type, version));
    const steps = upcasters.find((chain) => chain.event.type === event.type)?.steps ?? {};
    const newest = Math.max(...versions);
    for (let from = 1; from < newest; from++)
      if (versions.has(from) && versions.has(from + 1) && typeof steps[from] !== "function")
        findings.push(found.chainGap(event.type, from, typeof locked[from]?.step === "string"));
  }
  return findings;
}
