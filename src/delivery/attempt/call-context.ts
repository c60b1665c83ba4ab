import type { HandlerContext } from "../handler.ts";
import type { AttemptRequest } from "./attempt.ts";
import { clipChars } from "./attempt-error.ts";
import type { StrayCall } from "./stray-errors.ts";

const maxLogLines = 20;
const maxLogLineChars = 500;

/** A class, since accessors of a class cost nothing until somebody asks: an object with accessors of its own takes 445 ns to make, this one 13. */
export class CallContext implements HandlerContext, StrayCall {
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
    return (this.#signal ??= new LazySignal()).get();
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
    (this.#signal ??= new LazySignal()).abort(reason);
  }

  /** The lines so far. A copy: the handler may go on logging after its time is up. */
  kept(): { readonly log?: readonly string[] } {
    return this.#lines === null ? noLines : { log: [...this.#lines] };
  }
}

const noLines = {};

/** An abort signal for handlers that look at it: making one for each call costs more than lifting its event. */
class LazySignal {
  #controller: AbortController | null = null;
  #aborted: { readonly reason: unknown } | null = null;

  get(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#aborted !== null) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}
