/**
 * Errors that a handler's function lets go astray: rejections that it does not wait for, and what its timers throw. Node would end the process for them,
 * and with it all other handlers. They belong to the delivery that they came from, as long as that runs.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { toAttemptError } from "./attempt-error.ts";

/** A call of a handler's function. */
export interface StrayCall {
  /** Its ids, for the operator's log. */
  readonly about: object;
  /** Set once it has given a promise. */
  readonly running: StrayTaker | null;
}

export interface StrayTaker {
  /** @returns false: the call's outcome is known already. */
  takeStray(thrown: unknown): boolean;
}

export interface StrayLogger {
  error(fields: object, message: string): void;
}

const calls = new AsyncLocalStorage<StrayCall>();
let watched = false;

/** Runs a handler's function so that what it lets go astray is known to be of this call. */
export function attributed<H, E, C extends StrayCall, T>(run: (handler: H, event: E, call: C) => T, handler: H, event: E, call: C): T {
  return watched ? calls.run(call, run, handler, event, call) : run(handler, event, call);
}

/**
 * Takes such errors from now on. Only for a process that is Reprise's own, because this changes what Node does about them.
 *
 * @param onUncaught is told of an error that belongs to no known call. Node would end the process for it, and so has this function to.
 * @returns a function that undoes this.
 */
export function watchStrays(logger: StrayLogger, onUncaught: (error: unknown) => void): () => void {
  const take = (thrown: unknown): boolean => {
    const call = calls.getStore();
    if (call === undefined) return false;
    const about = { ...call.about, error_type: toAttemptError(thrown).type };
    if (call.running?.takeStray(thrown) ?? false) logger.error(about, "a handler let an error go astray: the delivery that it came from has failed");
    else logger.error(about, "a handler let an error go astray after its delivery had ended: nothing failed for it");
    return true;
  };
  // Without data, and without messages, because they may hold data.
  const onRejection = (reason: unknown): void => {
    if (!take(reason)) logger.error({ error_type: toAttemptError(reason).type }, "a promise was rejected and nobody waits for it: the process goes on");
  };
  const onException = (error: unknown): void => {
    if (!take(error)) onUncaught(error);
  };
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  watched = true;
  return () => {
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
    watched = false;
  };
}
