import type { LiftStep } from "../catalog.ts";

/** Of one event's steps, as JSON: an event of a megabyte may have thirty. */
const maxStepsBytes = 4 * 1024 * 1024;

/** Gathers steps for showing. What comes when there is no more room is named without its data; the first one has room whatever its size. */
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
