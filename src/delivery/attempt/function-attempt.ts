import type { Clock } from "../../event/clock.ts";
import type { CurrentEvent } from "../../event/event.ts";
import { isA, textAt } from "../../event/thrown.ts";
import { Escalate, type HandlerDefinition, maxReasonChars, NotReady, RetryAfter, Skipped, Terminal } from "../handler.ts";
import type { HandlerContext } from "../handler-context.ts";
import { maxRetryAfterMs } from "../policy/waits.ts";
import type { Attempt, AttemptInFlight, AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { clipChars, errorNames, toAttemptError } from "./attempt-error.ts";
import { escalateType } from "./becomes.ts";
import { CallContext } from "./call-context.ts";
import { freezeEvent } from "./freeze-event.ts";
import { attributed } from "./stray-errors.ts";
import { makeTimeouts } from "./timeouts.ts";
import { whenAborted } from "./when-aborted.ts";

/**
 * Calls a function of this process once.
 *
 * `Terminal` and the names in `nonRetryable` are terminal, `NotReady` and `RetryAfter` defer, `skip(…)` skips, anything else thrown is transient. A function that returns no promise has
 * ended with its outcome. When the time of another call is up, the outcome is there at once and the handler's signal aborts. `settled`
 * still waits for the handler's promise, because nothing can stop a function that goes on. A stop of the service abandons the call in the same way. Events
 * are frozen all the way down, since others may hold the same data: a handler that writes to one gets a TypeError.
 */
export function makeFunctionAttempt(definition: FunctionHandler, clock: Clock): Attempt {
  const timeouts = makeTimeouts(clock);

  /** Follows the promise of a call. */
  const follow = (promise: PromiseLike<unknown>, context: CallContext, request: AttemptRequest): AttemptInFlight => {
    const { promise: outcome, resolve } = Promise.withResolvers<AttemptOutcome>();
    let over = false;
    const end = (came: AttemptOutcome): void => {
      if (over) return;
      over = true;
      forgetTimeout();
      forgetAbort();
      resolve(came);
    };
    const onStray = (thrown: unknown): boolean => {
      if (over) return false;
      end({ ...failure(thrown, request, clock), ...context.kept() });
      return true;
    };
    context.onStray = onStray;
    // The outcome comes before the abort, so that the handler cannot change it by what it does about its signal.
    const forgetAbort = whenAborted(request.signal, () => {
      end({ kind: "abandoned" });
      context.abort(request.signal.reason);
    });
    const forgetTimeout = timeouts.add(request.timeoutMs, () => {
      const error = { type: "TimeoutError", message: `no outcome within ${request.timeoutMs} ms` };
      end({ kind: "failed", class: "timeout", error, ...context.kept() });
      context.abort(new DOMException(error.message, error.type));
    });
    const failed = (thrown: unknown): void => {
      end({ ...failure(thrown, request, clock), ...context.kept() });
      context.appended()?.catch(() => {}); // the call has failed already
    };
    const settled = settle(promise).then((answer) => {
      const appended = context.appended();
      const done = (): void => end(answered(answer, context));
      return appended === null ? done() : appended.then(done, failed);
    }, failed);
    return { kind: "running", outcome, settled };
  };

  return (request) => {
    if (request.signal.aborted) return { kind: "abandoned" };
    const context = new CallContext(definition.name, request);
    try {
      const returned = attributed(context, () => handle(definition, request.event, context));
      if (isThenable(returned)) return follow(returned, context, request);
      // Appends that the function has not awaited are part of its call.
      const appended = context.appended();
      return appended === null
        ? answered(returned, context)
        : follow(
            appended.then(() => returned),
            context,
            request,
          );
    } catch (thrown) {
      context.appended()?.catch(() => {});
      return { ...failure(thrown, request, clock), ...context.kept() };
    }
  };
}

type FunctionHandler = Extract<HandlerDefinition, { kind: "function" }>;

const plain: AttemptOutcome = { kind: "completed" };
/** Anything but `skip(…)` completes: many functions return something that nobody asked for. */
const answered = (answer: unknown, context: CallContext): AttemptOutcome => {
  const kept = context.kept();
  if (answer !== undefined && isA(Skipped, answer)) return { kind: "skipped", reason: clipChars(textAt(answer, "reason") ?? "", maxReasonChars), ...kept };
  return kept.log === undefined ? plain : { kind: "completed", ...kept };
};

function isThenable(returned: unknown): returned is PromiseLike<unknown> {
  return (typeof returned === "object" || typeof returned === "function") && returned !== null && "then" in returned && typeof returned.then === "function";
}

/** Makes a promise of what only has a `then`. */
function settle(promise: PromiseLike<unknown>): Promise<unknown> {
  return promise instanceof Promise ? promise : Promise.resolve(promise);
}

function handle(definition: FunctionHandler, event: CurrentEvent, context: HandlerContext): unknown {
  // `on` is a user's object, and an event type may be called `constructor`.
  const on = Object.hasOwn(definition.on, event.type) ? definition.on[event.type] : undefined;
  if (on === undefined) throw new Terminal(`handler ${definition.name} has no function for ${event.type}`);
  freezeEvent(event);
  return on(event as never, context);
}

function failure(
  thrown: unknown,
  { nonRetryable, event }: AttemptRequest,
  clock: Clock,
): Extract<AttemptOutcome, { kind: "failed" | "deferred" | "escalated" }> {
  const error = toAttemptError(thrown, event.data);
  if (isA(Escalate, thrown))
    return { kind: "escalated", when: "after", error: { ...error, type: escalateType, message: clipChars(error.message, maxReasonChars) }, thrown };
  if (isA(Terminal, thrown) || errorNames(thrown).some((name) => nonRetryable.includes(name))) return { kind: "failed", class: "terminal", error, thrown };
  if (isA(RetryAfter, thrown)) return { kind: "deferred", error, thrown, retryAfterMs: waitOf(thrown, clock), by: "integration" };
  if (isA(NotReady, thrown)) return { kind: "deferred", error, thrown, retryAfterMs: waitOf(thrown, clock), by: "handler" };
  return { kind: "failed", class: "transient", error, thrown };
}

/** What was thrown is a user's object: its members may be anything, and throw. */
function waitOf(thrown: NotReady | RetryAfter, clock: Clock): number | null {
  try {
    const { retryAfterMs: ms, at } = thrown as { readonly retryAfterMs?: unknown; readonly at?: unknown };
    const retryAfterMs = at instanceof Date ? at.getTime() - clock.now() : ms;
    return typeof retryAfterMs === "number" && !Number.isNaN(retryAfterMs) ? Math.min(Math.max(0, retryAfterMs), maxRetryAfterMs) : null;
  } catch {
    return null;
  }
}
