/**
 * How much a test does. `npm test` takes the small number of seeds, kills and events; `npm run test:long` takes the large one and runs only the files that
 * ask here; an environment variable sets any other, as in `REPRISE_MODEL_SEEDS=20000 npx vitest run test/unit/partition-model.test.ts`.
 */

/** Set by vitest.config.ts in the mode `long`. */
const isLong = process.env.REPRISE_TESTS === "long";

export function size(small: number, long: number, variable?: string): number {
  const asked = variable === undefined ? undefined : process.env[variable];
  return asked === undefined ? (isLong ? long : small) : Number(asked);
}

/** Of many cases that are alike the first ones, or all. Put those first that differ most. */
export function someOf<T>(few: number, cases: readonly T[]): readonly T[] {
  return isLong ? cases : cases.slice(0, few);
}
