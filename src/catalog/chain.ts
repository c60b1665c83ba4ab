import { createHash } from "node:crypto";
import type { Catalog } from "./catalog.ts";
import type { CheckedType } from "./check-definitions.ts";
import type { Lift } from "./lift/lift.ts";

/** A type's versions, ready to lift: `lifts[n]` takes an event stored as version n. */
export interface Chain extends CheckedType {
  readonly current: number;
  readonly description: NonNullable<ReturnType<Catalog["describe"]>>;
  readonly lifts: readonly (Lift | undefined)[];
  readonly fingerprint: string;
}

export function makeChain(checked: CheckedType, lifts: Chain["lifts"]): Chain {
  const current = checked.versions.length;
  const fingerprint = hash([
    checked.type,
    ...checked.formerly,
    ...checked.into,
    ...checked.versions.flatMap(({ jsonSchema, step }) => [JSON.stringify(jsonSchema), step === undefined ? "" : String(step)]),
  ]);
  const description = { type: checked.type, versions: checked.versions.map((_, index) => index + 1), current, formerly: checked.formerly };
  return { ...checked, current, description, lifts, fingerprint };
}

/** By type: itself and the types that split into it, over any number of splits. */
export function sourcesOf(chains: readonly Chain[]): ReadonlyMap<string, ReadonlySet<string>> {
  const sources = new Map(chains.map(({ type }) => [type, new Set([type])]));
  for (let grew = true; grew; ) {
    grew = false;
    for (const { type, into } of chains)
      for (const target of into) {
        const known = sources.get(target)!;
        for (const source of sources.get(type)!) {
          if (known.has(source)) continue;
          known.add(source);
          grew = true;
        }
      }
  }
  return sources;
}

export function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
