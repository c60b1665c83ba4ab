import type { Clock } from "../../event/clock.ts";
import { type AnswerHeaders, askedWaitMs, retryAfterMs } from "./asked-wait.ts";
import type { AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { clipBytes, maxTextBytes } from "./attempt-error.ts";

/** What has come of a webhook's answer so far, and what it means. */
export class WebhookAnswer {
  readonly #cut: (text: string) => string;
  #status: number | null = null;
  #headers: AnswerHeaders = {};
  /** Not more than `maxTextBytes`, apart from the last chunk. */
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param cut cuts the handler's secrets out of a text. */
  constructor(cut: (text: string) => string) {
    this.#cut = cut;
  }

  begin(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  /** @returns whether more of the answer is of use. */
  add(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return this.#bytes < maxTextBytes;
  }

  /** What is kept of it. */
  details(): { readonly httpStatus?: number; readonly responseHead?: string } {
    if (this.#status === null) return {};
    if (this.#bytes === 0) return { httpStatus: this.#status };
    // Decoded as a stream, because that leaves out a character that the limit cuts in two. Invalid bytes are replaced.
    const text = new TextDecoder().decode(Buffer.concat(this.#chunks).subarray(0, maxTextBytes), { stream: true });
    // A receiver that echoes what it got sends our own secrets back.
    const head = clipBytes(this.#cut(text));
    return head === "" ? { httpStatus: this.#status } : { httpStatus: this.#status, responseHead: head };
  }

  /** Once it is complete: 2xx completes, 422 is terminal, 410 is gone, 429 defers, and so does 503 with `Retry-After`; all else fails. */
  outcome(request: Pick<AttemptRequest, "nonRetryable">, clock: Clock): AttemptOutcome {
    const seen = this.details();
    const status = this.#status!;
    if (status >= 200 && status < 300) return { kind: "completed", ...seen };
    const error = { type: "HttpError", message: `HTTP ${status}` };
    if (status === 410) return { kind: "gone", error, ...seen };
    if (status === 422) return { kind: "failed", class: "terminal", error, ...seen };
    if (status === 429) return { kind: "deferred", error, retryAfterMs: askedWaitMs(this.#headers, clock.now()), by: "receiver", ...seen };
    const askedMs = status === 503 ? retryAfterMs(this.#headers, clock.now()) : null;
    if (askedMs !== null) return { kind: "deferred", error, retryAfterMs: askedMs, by: "receiver", ...seen };
    return { ...failed(error, request), ...seen };
  }
}

/** A failure that is tried again, unless the handler's policy says that one of this type is final. */
export function failed(error: { readonly type: string; readonly message: string }, { nonRetryable }: Pick<AttemptRequest, "nonRetryable">) {
  return { kind: "failed", class: nonRetryable.includes(error.type) ? "terminal" : "transient", error } as const;
}
