import type { GivenEvent, StoredEvent } from "../../event/event.ts";
import type { FailureText } from "../catalog.ts";
import type { UpcasterChain } from "../define.ts";
import { clip, describeThrown } from "./thrown.ts";

/** The failure of a user's pure function. */
export class StepFailure {
  readonly error: FailureText;

  constructor(error: FailureText) {
    this.error = error;
  }
}

/** Calls a user's pure function. @param name of the step, for the failure's words. @returns what it returned, or StepFailure. */
export function callStep(step: UpcasterChain["steps"][number], data: unknown, event: StoredEvent | GivenEvent, name: string): unknown {
  try {
    const result = step(data as never, event as GivenEvent);
    if (!(result instanceof Promise)) return result;
    result.catch(() => {}); // the promise is not used, but its rejection must not end the process
    return new StepFailure({ type: "UpcasterAsync", message: `${name}: the step returned a promise. Steps are pure and synchronous.` });
  } catch (error) {
    const { type, message } = describeThrown(error, data, event.data);
    return new StepFailure({ type, message: clip(`${name}: ${message}`) });
  }
}
