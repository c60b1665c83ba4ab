import type { Clock } from "../../event/clock.ts";
import type { CurrentEvent } from "../../event/event.ts";
import { isA } from "../../event/thrown.ts";
import { type HandlerContext, type HandlerDefinition, NotReady, Terminal } from "../handler.ts";
import { maxRetryAfterMs } from "../policy/waits.ts";
import type { Attempt, AttemptInFlight, AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { clipChars, errorNames, toAttemptError } from "./attempt-error.ts";
import { attributed, type StrayCall } from "./stray-errors.ts";
import { makeTimeouts } from "./timeouts.ts";

const maxLogLines = 20;
const maxLogLineChars = 500;

/**
 * Calls a function of this process once.
 *
 * `Terminal` and the names in `nonRetryable` are terminal, `NotReady` defers, anything else thrown is transient. A function that returns no promise has
 * ended with its outcome. When the time of another is up the outcome is there at once and the handler's signal aborts, but `settled` waits for the
 * handler's promise: nothing can stop a function that goes on. A stop of the service abandons the call in the same way. Events are frozen to their depth,
 * since others may hold the same data: a handler that writes to one gets a TypeError.
 */
export function makeFunctionAttempt(definition: FunctionHandler, clock: Clock): Attempt {
  const timeouts = makeTimeouts(clock);

  /** What the promise of a call comes to. */
  const follow = (promise: PromiseLike<void>, context: CallContext, request: AttemptRequest): AttemptInFlight => {
    const { promise: outcome, resolve } = Promise.withResolvers<AttemptOutcome>();
    let over = false;
    const end = (came: AttemptOutcome): void => {
      if (over) return;
      over = true;
      forgetTimeout();
      forgetAbort();
      resolve(came);
    };
    context.onStray = (thrown) => {
      if (over) return false;
      end({ ...failure(thrown, request), ...context.kept() });
      return true;
    };
    // The outcome comes before the abort: what the handler does about its signal is too late to change it.
    const forgetAbort = whenAborted(request.signal, () => {
      end({ kind: "abandoned" });
      context.abort(request.signal.reason);
    });
    const forgetTimeout = timeouts.add(request.timeoutMs, () => {
      const error = { type: "TimeoutError", message: `no outcome within ${request.timeoutMs} ms` };
      end({ kind: "failed", class: "timeout", error, ...context.kept() });
      context.abort(new DOMException(error.message, error.type));
    });
    const settled = settle(promise).then(
      () => end(completed(context)),
      (thrown: unknown) => end({ ...failure(thrown, request), ...context.kept() }),
    );
    return { kind: "running", outcome, settled };
  };

  return (request) => {
    if (request.signal.aborted) return { kind: "abandoned" };
    const context = new CallContext(definition.name, request);
    try {
      const returned = attributed(context, () => handle(definition, request.event, context));
      return isThenable(returned) ? follow(returned, context, request) : completed(context);
    } catch (thrown) {
      return { ...failure(thrown, request), ...context.kept() };
    }
  };
}

type FunctionHandler = Extract<HandlerDefinition, { kind: "function" }>;

/** A class, since accessors of a class cost nothing until somebody asks: an object with accessors of its own takes 445 ns to make, this one 13. */
class CallContext implements HandlerContext, StrayCall {
  readonly attempt: number;
  readonly replay: HandlerContext["replay"];
  readonly handler: string;
  /** Set while its promise runs. */
  onStray: ((thrown: unknown) => boolean) | null = null;
  readonly #request: AttemptRequest;
  #signal: LazySignal | null = null;
  #lines: string[] | null = null;

  constructor(handler: string, request: AttemptRequest) {
    this.handler = handler;
    this.#request = request;
    this.attempt = request.attempt;
    this.replay = request.replay && { id: request.replay.id, reason: request.replay.reason, mode: request.replay.mode };
  }

  get eventId(): string {
    return this.#request.event.id;
  }

  fail(thrown: unknown): boolean {
    return this.onStray?.(thrown) ?? false;
  }

  get deliveryId(): string {
    return this.#request.deliveryId;
  }

  get signal(): AbortSignal {
    return (this.#signal ??= makeLazySignal()).get();
  }

  // Not methods: handlers take the context apart.
  get effect(): HandlerContext["effect"] {
    return (key, effect) => this.#request.effect(key, effect, this.signal);
  }

  get log(): HandlerContext["log"] {
    return (line) => {
      const lines = (this.#lines ??= []);
      // JavaScript may log anything; what is no text is not worth a failed attempt.
      if (lines.length < maxLogLines) lines.push(clipChars(typeof line === "object" ? "(object)" : String(line), maxLogLineChars));
    };
  }

  /** Aborts the handler's signal, also one that it asks for later. */
  abort(reason: unknown): void {
    (this.#signal ??= makeLazySignal()).abort(reason);
  }

  /** The lines so far. A copy: the handler may go on logging after its time is up. */
  kept(): { readonly log?: readonly string[] } {
    return this.#lines === null ? noLines : { log: [...this.#lines] };
  }
}

const noLines = {};
const plain: AttemptOutcome = { kind: "completed" };
const completed = (context: CallContext): AttemptOutcome => {
  const kept = context.kept();
  return kept.log === undefined ? plain : { kind: "completed", ...kept };
};

function isThenable(returned: unknown): returned is PromiseLike<void> {
  return (typeof returned === "object" || typeof returned === "function") && returned !== null && "then" in returned && typeof returned.then === "function";
}

/** A promise is one already; whatever else has a `then` becomes one. */
function settle(promise: PromiseLike<void>): Promise<void> {
  return promise instanceof Promise ? promise : Promise.resolve(promise);
}

interface LazySignal {
  get(): AbortSignal;
  abort(reason: unknown): void;
}

/** An abort signal for handlers that look at it: making one for each call costs more than lifting its event. */
function makeLazySignal(): LazySignal {
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

function handle(definition: FunctionHandler, event: CurrentEvent, context: HandlerContext): unknown {
  // `on` is a user's object, and an event type may be called `constructor`.
  const on = Object.hasOwn(definition.on, event.type) ? definition.on[event.type] : undefined;
  if (on === undefined) throw new Terminal(`handler ${definition.name} has no function for ${event.type}`);
  freeze(event);
  return on(event as never, context);
}

function failure(thrown: unknown, { nonRetryable, event }: AttemptRequest): Extract<AttemptOutcome, { kind: "failed" | "deferred" }> {
  const error = toAttemptError(thrown, event.data);
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

/** Data that nests deeper is frozen without recursion: JSON nests as deep as it likes, and an upcaster may have made a ring. */
const maxDepth = 64;

/** Metadata that the event before had, too: events of the embedded log often share it. */
let frozenLast: unknown = null;

/** Freezes in place, to the depth; what is frozen already is looked into, too: a step may have frozen only the top of what it gives. */
function freeze(event: CurrentEvent): void {
  const { entity, metadata, origin, data } = event;
  Object.freeze(event);
  Object.freeze(entity);
  if (origin !== null) Object.freeze(origin);
  if (metadata !== frozenLast) freezeDown(metadata, 0);
  frozenLast = metadata;
  if (isObject(data)) freezeDown(data, 0);
}

function freezeDown(value: object, depth: number): void {
  if (depth === maxDepth) {
    freezeFlat(value);
    return;
  }
  if (Array.isArray(value))
    for (let index = 0; index < value.length; index++) {
      const inner: unknown = value[index];
      if (isObject(inner)) freezeDown(inner, depth + 1);
    }
  else
    for (const name in value) {
      const inner = (value as Readonly<Record<string, unknown>>)[name];
      if (isObject(inner)) freezeDown(inner, depth + 1);
    }
  Object.freeze(value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function freezeFlat(value: object): void {
  const left = [value];
  const known = new Set(left);
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    Object.freeze(part);
    for (const inner of Object.values(part) as readonly unknown[])
      if (isObject(inner) && !known.has(inner)) {
        known.add(inner);
        left.push(inner);
      }
  }
}
