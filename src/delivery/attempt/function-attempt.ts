import type { Clock } from "../../event/clock.ts";
import type { CurrentEvent } from "../../event/event.ts";
import type { Entry } from "../../event/roster.ts";
import { isA, textAt } from "../../event/thrown.ts";
import { Escalate, type HandlerDefinition, maxReasonChars, NotReady, RetryAfter, Skipped, Terminal } from "../handler.ts";
import type { HandlerContext } from "../handler-context.ts";
import { maxRetryAfterMs } from "../policy/waits.ts";
import type { Attempt, AttemptInFlight, AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { clipChars, errorNames, toAttemptError } from "./attempt-error.ts";
import { escalateType } from "./becomes.ts";
import { CallContext } from "./call-context.ts";
import { CallUnderWay } from "./call-under-way.ts";
import { freezeEvent } from "./freeze-event.ts";
import { attributed, type StrayTaker } from "./stray-errors.ts";
import { type Timed, Timeouts } from "./timeouts.ts";
import { type Abortable, abortedWith } from "./when-aborted.ts";

/**
 * Calls a function of this process once.
 *
 * `Terminal` and the names in `nonRetryable` are terminal, `NotReady` and `RetryAfter` defer, `skip(…)` skips, anything else thrown is transient. A function that returns no promise has
 * ended with its outcome. When the time of another call is up, the outcome is there at once and the handler's signal aborts. `settled`
 * still waits for the handler's promise, because nothing can stop a function that goes on. A stop of the service abandons the call in the same way. Events
 * are frozen all the way down, since others may hold the same data: a handler that writes to one gets a TypeError.
 */
export class FunctionAttempt implements Attempt {
  readonly #definition: FunctionHandler;
  readonly #needs: FunctionCallNeeds;

  constructor(definition: FunctionHandler, clock: Clock) {
    this.#definition = definition;
    this.#needs = { clock, timeouts: new Timeouts(clock) };
  }

  call(request: AttemptRequest): AttemptInFlight | AttemptOutcome {
    if (request.signal.aborted) return { kind: "abandoned" };
    const context = new CallContext(this.#definition.name, request);
    try {
      const returned = attributed(handle, this.#definition, request.event, context);
      if (isThenable(returned)) return new FunctionCall(context, request, this.#needs).follow(returned);
      // Appends that the function has not awaited are part of its call.
      const appended = context.appended();
      if (appended === null) return answered(returned, context);
      return new FunctionCall(context, request, this.#needs).follow(appended.then(() => returned));
    } catch (thrown) {
      context.appended()?.catch(() => {});
      return { ...failure(thrown, request, this.#needs.clock), ...context.kept() };
    }
  }
}

interface FunctionCallNeeds {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
}

/** The call of a function that has given a promise. */
class FunctionCall extends CallUnderWay implements Timed, Abortable, StrayTaker {
  readonly #context: CallContext;
  readonly #request: AttemptRequest;
  readonly #needs: FunctionCallNeeds;
  readonly #timeout: ReturnType<Timeouts["add"]>;
  readonly #abort: Entry<Abortable>;

  constructor(context: CallContext, request: AttemptRequest, needs: FunctionCallNeeds) {
    super();
    this.#context = context;
    this.#request = request;
    this.#needs = needs;
    context.running = this;
    this.#timeout = needs.timeouts.add(request.timeoutMs, this);
    this.#abort = abortedWith(request.signal).enter(this);
  }

  follow(promise: PromiseLike<unknown>): this {
    asPromise(promise).then(
      (answer) => this.#answered(answer),
      (thrown: unknown) => this.#failed(thrown),
    );
    return this;
  }

  timeIsUp(): void {
    const error = { type: "TimeoutError", message: `no outcome within ${this.#request.timeoutMs} ms` };
    this.#end({ kind: "failed", class: "timeout", error, ...this.#context.kept() });
    this.#context.abort(new DOMException(error.message, error.type));
  }

  // The outcome comes before the abort, so that the handler cannot change it by what it does about its signal.
  aborted(reason: unknown): void {
    this.#end({ kind: "abandoned" });
    this.#context.abort(reason);
  }

  takeStray(thrown: unknown): boolean {
    if (this.isOver) return false;
    this.#end({ ...failure(thrown, this.#request, this.#needs.clock), ...this.#context.kept() });
    return true;
  }

  #answered(answer: unknown): void {
    const appended = this.#context.appended();
    if (appended === null) this.#done(answer);
    else
      appended.then(
        () => this.#done(answer),
        (thrown: unknown) => this.#failed(thrown),
      );
  }

  #done(answer: unknown): void {
    if (!this.isOver) this.#end(answered(answer, this.#context));
    this.settle();
  }

  #failed(thrown: unknown): void {
    if (!this.isOver) this.#end({ ...failure(thrown, this.#request, this.#needs.clock), ...this.#context.kept() });
    this.#context.appended()?.catch(() => {}); // the call has failed already
    this.settle();
  }

  #end(outcome: AttemptOutcome): void {
    if (this.isOver) return;
    this.#needs.timeouts.cancel(this.#timeout);
    abortedWith(this.#request.signal).leave(this.#abort);
    this.end(outcome);
  }
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
function asPromise(promise: PromiseLike<unknown>): Promise<unknown> {
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
