import type { Dispatcher } from "undici";
import type { Clock } from "../../event/clock.ts";
import type { Entry } from "../../event/roster.ts";
import type { AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { transportCode } from "./attempt-error.ts";
import { CallUnderWay } from "./call-under-way.ts";
import type { Timeouts } from "./timeouts.ts";
import { failed, WebhookAnswer } from "./webhook-answer.ts";
import { WebhookDeadline } from "./webhook-deadline.ts";
import { type Abortable, abortedWith } from "./when-aborted.ts";

export interface WebhookCallNeeds {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** Cuts the handler's secrets out of a text. */
  readonly cut: (text: string) => string;
  /** Of the receiver, for messages. */
  readonly host: string;
  /** Whether the attempt has been closed, which cuts its sockets. */
  readonly isClosed: () => boolean;
}

/**
 * One POST: it hears from the pool how the request goes, and has its outcome when the whole answer is there (of a long one, its first 4 KiB), when the time is up,
 * or when the service stops. With the outcome the call is over: what is left of it ends with its socket.
 */
export class WebhookCall extends CallUnderWay implements Dispatcher.DispatchHandler, Abortable {
  readonly #request: AttemptRequest;
  readonly #needs: WebhookCallNeeds;
  readonly #answer: WebhookAnswer;
  readonly #deadline: WebhookDeadline;
  readonly #abort: Entry<Abortable>;
  /** Null while the request waits for a connection. */
  #controller: Dispatcher.DispatchController | null = null;

  constructor(request: AttemptRequest, needs: WebhookCallNeeds) {
    super();
    this.#request = request;
    this.#needs = needs;
    this.#answer = new WebhookAnswer(needs.cut);
    this.#deadline = new WebhookDeadline({
      timeoutMs: request.timeoutMs,
      clock: needs.clock,
      timeouts: needs.timeouts,
      onOver: (why) => this.#giveUp(why === "timeout" ? this.#timedOut() : notSent),
    });
    this.#abort = abortedWith(request.signal).enter(this);
  }

  aborted(): void {
    this.#giveUp({ kind: "abandoned" });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Nothing of a call was sent that was given up while it waited, and what is aborted here is not sent.
    if (this.isOver) controller.abort(new Error("the call was given up"));
    else {
      this.#controller = controller;
      this.#deadline.sent();
    }
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status >= 200) this.#answer.begin(status, headers); // those below say that the answer is still to come
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.isOver && !this.#answer.add(chunk)) this.#giveUp(this.#answer.outcome(this.#request, this.#needs.clock));
  }

  onResponseEnd(): void {
    if (this.isOver) return;
    this.#end(this.#answer.outcome(this.#request, this.#needs.clock));
    this.settle();
  }

  /** The request could not be sent, or the socket has ended before the answer has. */
  onResponseError(_controller: unknown, error: unknown): void {
    if (this.isOver) return;
    const type = transportCode(error);
    const failure = { ...failed({ type, message: `${type} ${this.#needs.host}` }, this.#request), ...this.#answer.details() };
    this.#end(this.#needs.isClosed() ? { kind: "abandoned" } : failure);
    this.settle();
  }

  #giveUp(outcome: AttemptOutcome): void {
    this.#end(outcome);
    this.#controller?.abort(new Error("the call is over"));
    this.settle();
  }

  #end(outcome: AttemptOutcome): void {
    this.#deadline.cancel();
    abortedWith(this.#request.signal).leave(this.#abort);
    this.end(outcome);
  }

  #timedOut(): AttemptOutcome {
    const error = { type: "TimeoutError", message: `no complete answer within ${this.#request.timeoutMs} ms` };
    return { kind: "failed", class: "timeout", error, ...this.#answer.details() };
  }
}

/** The receiver was not asked, so this uses no attempt and can make no dead letter. */
const notSent: AttemptOutcome = {
  kind: "deferred",
  error: { type: "NotSent", message: "this process was too busy to send the request" },
  retryAfterMs: null,
  by: "handler",
};
