import type { Clock } from "../event/clock.ts";
import type { CurrentEvent } from "../event/event.ts";
import type { Attempt, AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { clipChars, errorNames, isA, maxRetryAfterMs, toAttemptError } from "./attempt-error.ts";
import { type HandlerContext, type HandlerDefinition, NotReady, Terminal } from "./handler.ts";

const maxLogLines = 20;
const maxLogLineChars = 500;

/**
 * Calls a function of this process once.
 *
 * `Terminal` and the names in `nonRetryable` are terminal, `NotReady` defers, anything else thrown is transient. When the time is up the
 * outcome is there at once and the handler's signal aborts, but `settled` waits for the handler's promise: nothing can stop a function
 * that goes on. A stop of the service abandons the call in the same way. Events are frozen to their depth, since others may hold the
 * same data: a handler that writes to one gets a TypeError.
 */
export function makeFunctionAttempt(definition: Extract<HandlerDefinition, { kind: "function" }>, clock: Clock): Attempt {
  return (request) => {
    if (request.signal.aborted) return { outcome: Promise.resolve({ kind: "abandoned" }), settled: Promise.resolve() };

    const { promise: outcome, resolve } = Promise.withResolvers<AttemptOutcome>();
    const controller = new AbortController();
    const lines: string[] = [];
    // The outcome comes before the abort: what the handler does about its signal is too late to change it.
    const onStop = () => {
      resolve({ kind: "abandoned" });
      controller.abort(request.signal.reason);
    };
    const timer = clock.after(request.timeoutMs, () => {
      const error = { type: "TimeoutError", message: `no outcome within ${request.timeoutMs} ms` };
      resolve({ kind: "failed", class: "timeout", error, ...kept(lines) });
      controller.abort(new DOMException(error.message, error.type));
    });
    request.signal.addEventListener("abort", onStop, { once: true });
    void outcome.then(() => {
      timer.cancel();
      request.signal.removeEventListener("abort", onStop);
    });

    const context: HandlerContext = {
      attempt: request.attempt,
      deliveryId: request.deliveryId,
      replay: request.replay && { id: request.replay.id, reason: request.replay.reason, mode: request.replay.mode },
      signal: controller.signal,
      effect: (key, effect) => request.effect(key, effect, controller.signal),
      log(line) {
        // JavaScript may log anything; what is no text is not worth a failed attempt.
        if (lines.length < maxLogLines) lines.push(clipChars(typeof line === "object" ? "(object)" : String(line), maxLogLineChars));
      },
    };
    const settled = call(definition, request.event, context).then(
      () => resolve({ kind: "completed", ...kept(lines) }),
      (thrown: unknown) => resolve({ ...failure(thrown, request), ...kept(lines) }),
    );
    return { outcome, settled };
  };
}

/** Async, so that what is thrown at once is a rejection too. */
async function call(definition: Extract<HandlerDefinition, { kind: "function" }>, event: CurrentEvent, context: HandlerContext): Promise<void> {
  // `on` is a user's object, and an event type may be called `constructor`.
  const handle = Object.hasOwn(definition.on, event.type) ? definition.on[event.type] : undefined;
  if (handle === undefined) throw new Terminal(`handler ${definition.name} has no function for ${event.type}`);
  freeze(event);
  await handle(event as never, context);
}

function failure(thrown: unknown, { nonRetryable }: AttemptRequest): Extract<AttemptOutcome, { kind: "failed" | "deferred" }> {
  const error = toAttemptError(thrown);
  if (isA(Terminal, thrown) || errorNames(thrown).some((name) => nonRetryable.includes(name))) return { kind: "failed", class: "terminal", error };
  if (isA(NotReady, thrown)) return { kind: "deferred", error, retryAfterMs: retryAfterOf(thrown) };
  return { kind: "failed", class: "transient", error };
}

function retryAfterOf(notReady: NotReady): number | null {
  try {
    const { retryAfterMs } = notReady as { readonly retryAfterMs: unknown };
    return typeof retryAfterMs === "number" && !Number.isNaN(retryAfterMs) ? Math.min(Math.max(0, retryAfterMs), maxRetryAfterMs) : null;
  } catch {
    return null;
  }
}

/** A copy: the handler may go on logging after its time is up. */
function kept(lines: readonly string[]): { readonly log?: readonly string[] } {
  return lines.length === 0 ? {} : { log: [...lines] };
}

/** Freezes in place, without recursion (JSON nests as deep as it likes), each object once (an upcaster may have made a ring). */
function freeze(event: CurrentEvent): void {
  const seen = new Set<object>([event]);
  // A Set is walked in the order of adding, what is added on the way included.
  for (const part of seen) {
    for (const value of Object.values(part)) if (typeof value === "object" && value !== null) seen.add(value);
    Object.freeze(part);
  }
}
