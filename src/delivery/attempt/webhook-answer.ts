import type { Clock } from "../../event/clock.ts";
import { maxRetryAfterMs } from "../policy/waits.ts";
import type { AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { clipBytes, maxTextBytes } from "./attempt-error.ts";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What has come of a webhook's answer so far, and what it means. */
export class WebhookAnswer {
  readonly #cut: (text: string) => string;
  #status: number | null = null;
  #headers: Headers = {};
  /** Not more than `maxTextBytes`, apart from the last chunk. */
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param cut cuts the handler's secrets out of a text. */
  constructor(cut: (text: string) => string) {
    this.#cut = cut;
  }

  begin(status: number, headers: Headers): void {
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
    const retryAfterMs = retryAfterOf(this.#headers, clock);
    if (status === 429 || (status === 503 && retryAfterMs !== null)) return { kind: "deferred", error, retryAfterMs, ...seen };
    return { ...failed(error, request), ...seen };
  }
}

/** A failure that is tried again, unless the handler's policy says that one of this type is final. */
export function failed(error: { readonly type: string; readonly message: string }, { nonRetryable }: Pick<AttemptRequest, "nonRetryable">) {
  return { kind: "failed", class: nonRetryable.includes(error.type) ? "terminal" : "transient", error } as const;
}

/** Milliseconds, 0 to 24 h, out of `Retry-After` in seconds or as an HTTP date (RFC 9110 §10.2.3); null when it is missing or neither. */
function retryAfterOf(headers: Headers, clock: Clock): number | null {
  const text = first(headers["retry-after"])?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, maxRetryAfterMs);
  const untilMs = httpDate(text);
  if (untilMs === null) return null;
  // From the receiver's own time, where its answer has it: clocks of two machines are not compared.
  const fromMs = httpDate(first(headers.date) ?? "") ?? clock.now();
  return Math.min(Math.max(0, untilMs - fromMs), maxRetryAfterMs);
}

/** Date.parse takes almost anything ("-5" is in 2001), so the day's name is asked for; the asctime form lacks its zone. */
function httpDate(text: string): number | null {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null;
  const ms = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(ms) ? null : ms;
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
