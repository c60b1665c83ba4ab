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
    const lines: string[] = [];
    const signal = makeLazySignal();
    let over = false;
    const end = (came: AttemptOutcome): void => {
      if (over) return;
      over = true;
      timer.cancel();
      forget();
      resolve(came);
    };
    // The outcome comes before the abort: what the handler does about its signal is too late to change it.
    const forget = whenAborted(request.signal, () => {
      end({ kind: "abandoned" });
      signal.abort(request.signal.reason);
    });
    const timer = clock.after(request.timeoutMs, () => {
      const error = { type: "TimeoutError", message: `no outcome within ${request.timeoutMs} ms` };
      end({ kind: "failed", class: "timeout", error, ...kept(lines) });
      signal.abort(new DOMException(error.message, error.type));
    });

    const context: HandlerContext = {
      attempt: request.attempt,
      get deliveryId() {
        return request.deliveryId;
      },
      replay: request.replay && { id: request.replay.id, reason: request.replay.reason, mode: request.replay.mode },
      get signal() {
        return signal.get();
      },
      effect: (key, effect) => request.effect(key, effect, signal.get()),
      log(line) {
        // JavaScript may log anything; what is no text is not worth a failed attempt.
        if (lines.length < maxLogLines) lines.push(clipChars(typeof line === "object" ? "(object)" : String(line), maxLogLineChars));
      },
    };
    const settled = call(definition, request.event, context).then(
      () => end({ kind: "completed", ...kept(lines) }),
      (thrown: unknown) => end({ ...failure(thrown, request), ...kept(lines) }),
    );
    return { outcome, settled };
  };
}

/** An abort signal for handlers that look at it: making one for each call costs more than lifting its event. */
function makeLazySignal(): { get(): AbortSignal; abort(reason: unknown): void } {
  let controller: AbortController | null = null;
  let aborted: { readonly reason: unknown } | null = null;
  return {
    get() {
      if (controller === null) {
        controller = new AbortController();
        if (aborted !== null) controller.abort(aborted.reason);
      }
      return controller.signal;
    },
    abort(reason) {
      aborted ??= { reason };
      controller?.abort(reason);
    },
  };
}

/** One listener for each signal, however many calls are under way: adding and removing one is dear. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/** @returns forgets it. */
function whenAborted(signal: AbortSignal, act: () => void): () => void {
  let acts = listeners.get(signal);
  if (acts === undefined) {
    const all = new Set<() => void>();
    signal.addEventListener("abort", () => all.forEach((each) => void each()), { once: true });
    listeners.set(signal, (acts = all));
  }
  const those = acts;
  those.add(act);
  return () => void those.delete(act);
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

/** Freezes in place, without recursion (JSON nests as deep as it likes). What is frozen already is looked into once: an upcaster may have made a ring. */
function freeze(event: CurrentEvent): void {
  const left: object[] = [event];
  let known: Set<object> | null = null;
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (!Object.isFrozen(part)) Object.freeze(part);
    else if ((known ??= new Set()).has(part)) continue;
    else known.add(part);
    if (Array.isArray(part)) {
      for (const value of part as readonly unknown[]) if (typeof value === "object" && value !== null) left.push(value);
    } else
      for (const name in part) {
        const value = (part as Readonly<Record<string, unknown>>)[name];
        if (typeof value === "object" && value !== null) left.push(value);
      }
  }
}
