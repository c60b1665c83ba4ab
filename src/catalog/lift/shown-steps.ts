import type { LiftStep } from "../catalog.ts";

/** The most bytes of JSON for the steps of one event: an event of a megabyte may have thirty steps. */
const maxStepsBytes = 4 * 1024 * 1024;

/** Gathers steps for showing. When there is no more room, a step is named without its data; the first step always has room. */
export function makeShownSteps(): { readonly steps: readonly LiftStep[]; take(step: LiftStep): void } {
  const steps: LiftStep[] = [];
  let left = maxStepsBytes;
  return {
    steps,
    take(step) {
      left -= JSON.stringify(step).length;
      steps.push(left >= 0 || steps.length === 0 ? step : withoutData(step));
    },
  };
}

function withoutData({ from, to, type, error, dropped }: LiftStep): LiftStep {
  return { from, to, type, data: null, error, ...(dropped !== undefined && { dropped }), leftOut: true };
}
