import { validateHeaderName, validateHeaderValue } from "node:http";
import { Webhook } from "standardwebhooks";
import { Agent, type Dispatcher, request as send } from "undici";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { HandlerDefinition } from "../handler.ts";
import { maxRetryAfterMs } from "../policy/waits.ts";
import type { Attempt, AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { clipBytes, maxTextBytes, transportCode } from "./attempt-error.ts";
import { toCloudEvent } from "./cloud-event.ts";
import { makeCutSecrets } from "./secrets.ts";
import { tellingWhenSent } from "./sent-request.ts";

export type WebhookDefinition = Extract<HandlerDefinition, { kind: "webhook" }>;

/** Also has the agent's end: `close` cuts its connections, and a call still under way is abandoned. */
export type WebhookAttempt = Attempt & { readonly close: () => Promise<void> };

/** A host that never answers a SYN is given up long before an agent's patience of minutes. */
const connectTimeoutMs = 10_000;
/** A deadline that comes so much after its time says that the thread was busy, and nothing of what is at the other end. */
const lateMs = 50;
/** How often a call whose request could not go out for that reason gets its time anew. */
const maxAnew = 10;
/** Reprise's own, or the connection's: a handler's `headers` may not name them. */
const ownHeaders: ReadonlySet<string> = new Set([
  ...["content-type", "content-length", "transfer-encoding", "connection", "keep-alive", "expect", "upgrade", "te", "trailer"],
  ...["traceparent", "webhook-id", "webhook-timestamp", "webhook-signature"],
]);

/** What has come of an answer so far. */
interface Answer {
  status: number | null;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Cuts the handler's secrets out of a text. */
  readonly cut: (text: string) => string;
  /** At most `maxTextBytes`, but for the chunk that went beyond. */
  readonly chunks: Buffer[];
}

/**
 * POSTs an event once, as a CloudEvent in structured JSON, signed as Standard Webhooks says, and waits for the whole answer (of a long
 * one, its first 4 KiB) until the time is up. 2xx completes, 422 is terminal, 410 is gone, 429 defers, and so does 503 with `Retry-After`;
 * all else fails, redirects too. The call has settled with its outcome: ending one early destroys its socket. The time begins when the request goes out;
 * until then it may take as long to connect.
 *
 * @param dispatcher sends in place of an agent of its own, and outlives `close`.
 * @throws CONFIG_INVALID for a secret or a header that cannot be used. Calls never throw.
 */
export function makeWebhookAttempt(
  definition: WebhookDefinition,
  { clock, dispatcher }: { readonly clock: Clock; readonly dispatcher?: Dispatcher },
): WebhookAttempt {
  const url = new URL(definition.url);
  const signers = makeSigners(definition);
  const headers = checkedHeaders(definition);
  const cut = makeCutSecrets(definition);
  // Deadlines are ours. HTTP/1.1 only: one call has one socket, so destroying it is the end of the call and of no other.
  const agent =
    dispatcher ??
    new Agent({
      connections: definition.concurrency ?? null,
      connect: { timeout: connectTimeoutMs },
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
    });
  let closed = false;

  /** Never rejects. */
  const post = async (request: AttemptRequest, answer: Answer, signal: AbortSignal, onSent: () => void): Promise<AttemptOutcome> => {
    try {
      const body = toCloudEvent(request);
      const response = await send(url, {
        dispatcher: tellingWhenSent(agent, onSent),
        signal,
        method: "POST",
        headers: { "user-agent": "reprise", ...headers, ...ownHeadersFor(request, body, signers, clock) },
        body,
      });
      answer.status = response.statusCode;
      answer.headers = response.headers;
      let bytes = 0;
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        answer.chunks.push(chunk);
        if ((bytes += chunk.length) >= maxTextBytes) break; // which destroys the rest, and the socket with it
      }
      return judge(response.statusCode, answer, request, clock);
    } catch (error) {
      if (closed) return { kind: "abandoned" };
      const type = transportCode(error);
      return { ...failed({ type, message: `${type} ${url.host}` }, request), ...details(answer) };
    }
  };

  const attempt: Attempt = (request) => {
    if (closed || request.signal.aborted) return { kind: "abandoned" };
    const { promise: outcome, resolve } = Promise.withResolvers<AttemptOutcome>();
    const controller = new AbortController();
    const answer: Answer = { status: null, headers: {}, cut, chunks: [] };
    const onStop = () => {
      resolve({ kind: "abandoned" });
      controller.abort();
    };
    const giveUp = (came: AttemptOutcome) => {
      resolve(came);
      // On a socket that still connects nothing of the call was sent, and undici does not send what was aborted.
      controller.abort();
    };
    let sentMs: number | null = null;
    let anew = 0;
    const wait = (fromMs: number): { cancel(): void } => {
      const dueMs = fromMs + request.timeoutMs;
      return clock.after(dueMs - clock.monotonicMs(), (dueByMs) => {
        const error = { type: "TimeoutError", message: `no complete answer within ${request.timeoutMs} ms` };
        if (sentMs !== null && sentMs + request.timeoutMs > dueByMs) timer = wait(sentMs);
        else if (sentMs !== null || dueByMs - dueMs <= lateMs) giveUp({ kind: "failed", class: "timeout", error, ...details(answer) });
        else if (anew++ < maxAnew) timer = wait(clock.monotonicMs());
        // Nobody was asked: no attempt is used, and none can make a dead letter.
        else giveUp({ kind: "deferred", error: { type: "NotSent", message: "this process was too busy to send the request" }, retryAfterMs: null });
      });
    };
    let timer = wait(clock.monotonicMs());
    request.signal.addEventListener("abort", onStop, { once: true });
    const onSent = () => {
      sentMs ??= clock.monotonicMs();
    };
    void post(request, answer, controller.signal, onSent).then(resolve);
    const settled = outcome.then(() => {
      timer.cancel();
      request.signal.removeEventListener("abort", onStop);
    });
    return { kind: "running", outcome, settled };
  };

  return Object.assign(attempt, {
    async close() {
      closed = true;
      if (dispatcher === undefined) await agent.destroy();
    },
  });
}

function judge(status: number, answer: Answer, request: AttemptRequest, clock: Clock): AttemptOutcome {
  const seen = details(answer);
  if (status >= 200 && status < 300) return { kind: "completed", ...seen };
  const error = { type: "HttpError", message: `HTTP ${status}` };
  if (status === 410) return { kind: "gone", error, ...seen };
  if (status === 422) return { kind: "failed", class: "terminal", error, ...seen };
  const retryAfterMs = retryAfterOf(answer.headers, clock);
  if (status === 429 || (status === 503 && retryAfterMs !== null)) return { kind: "deferred", error, retryAfterMs, ...seen };
  return { ...failed(error, request), ...seen };
}

function failed(error: { readonly type: string; readonly message: string }, { nonRetryable }: AttemptRequest) {
  return { kind: "failed", class: nonRetryable.includes(error.type) ? "terminal" : "transient", error } as const;
}

/** Milliseconds, 0 to 24 h, out of `Retry-After` in seconds or as an HTTP date (RFC 9110 §10.2.3); null when it is missing or neither. */
function retryAfterOf(headers: Answer["headers"], clock: Clock): number | null {
  const text = first(headers["retry-after"])?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, maxRetryAfterMs);
  const untilMs = httpDate(text);
  if (untilMs === null) return null;
  // Against the receiver's own clock where it tells: clocks of two machines are not compared.
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

function details({ status, chunks, cut }: Answer): { readonly httpStatus?: number; readonly responseHead?: string } {
  if (status === null) return {};
  // As a stream: a character that the limit cuts in two is left out; invalid ones are replaced, each by three bytes.
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxTextBytes), { stream: true });
  // A receiver that echoes what it got sends our own secrets back.
  const head = clipBytes(cut(text));
  return head === "" ? { httpStatus: status } : { httpStatus: status, responseHead: head };
}

function ownHeadersFor({ event, deliveryId }: AttemptRequest, body: string, signers: readonly Webhook[], clock: Clock): Record<string, string> {
  const sentAt = new Date(clock.now());
  const { traceparent } = event.metadata;
  return {
    "content-type": "application/cloudevents+json",
    "webhook-id": deliveryId,
    "webhook-timestamp": `${Math.floor(sentAt.getTime() / 1000)}`,
    ...(signers.length > 0 && { "webhook-signature": signers.map((signer) => signer.sign(deliveryId, sentAt, body)).join(" ") }),
    // Kept as sent, so it may be what no header can hold; the body has it all the same.
    ...(traceparent !== undefined && /^[!-~]+$/.test(traceparent) && { traceparent }),
  };
}

function makeSigners({ name, secret = [] }: WebhookDefinition): readonly Webhook[] {
  return [secret].flat().map((each) => {
    try {
      return new Webhook(each);
    } catch {
      // Without the cause: its words may hold a part of the secret.
      throw new RepriseError("CONFIG_INVALID", `handler ${name}: a secret is not "whsec_" with base64 behind it`);
    }
  });
}

function checkedHeaders({ name: handler, headers = {} }: WebhookDefinition): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const lower = name.toLowerCase();
      if (ownHeaders.has(lower)) throw new RepriseError("CONFIG_INVALID", `handler ${handler}: the header ${lower} is set by Reprise`);
      try {
        validateHeaderName(name);
        validateHeaderValue(name, value);
      } catch {
        throw new RepriseError("CONFIG_INVALID", `handler ${handler}: the header ${JSON.stringify(name)} or its value cannot be sent`);
      }
      return [lower, value];
    }),
  );
}
