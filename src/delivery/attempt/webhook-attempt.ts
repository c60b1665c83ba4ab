import type { Dispatcher } from "undici";
import type { Clock } from "../../event/clock.ts";
import type { HandlerDefinition } from "../handler.ts";
import type { Attempt, AttemptOutcome, AttemptRequest } from "./attempt.ts";
import { transportCode } from "./attempt-error.ts";
import { toCloudEvent } from "./cloud-event.ts";
import { makeCutSecrets } from "./secrets.ts";
import { tellingWhenSent } from "./sent-request.ts";
import { loadUndici, makeAgent } from "./webhook-agent.ts";
import { failed, WebhookAnswer } from "./webhook-answer.ts";
import { WebhookDeadline } from "./webhook-deadline.ts";
import { sendableHeaders } from "./webhook-headers.ts";
import { callHeaders, makeSigners } from "./webhook-signature.ts";

export type WebhookDefinition = Extract<HandlerDefinition, { kind: "webhook" }>;

/** `close` cuts the connections; a call that is still under way is abandoned. */
export type WebhookAttempt = Attempt & { readonly close: () => Promise<void> };

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
  const signers = makeSigners(`handler ${definition.name}`, [definition.secret ?? []].flat());
  const headers = sendableHeaders(`handler ${definition.name}`, definition.headers ?? {});
  const cut = makeCutSecrets(definition);
  const agent = dispatcher ?? makeAgent(definition.concurrency);
  let closed = false;

  /** Never rejects. */
  const post = async (request: AttemptRequest, answer: WebhookAnswer, signal: AbortSignal, onSent: () => void): Promise<AttemptOutcome> => {
    try {
      const body = toCloudEvent(request);
      const response = await loadUndici().request(url, {
        dispatcher: tellingWhenSent(agent, onSent),
        signal,
        method: "POST",
        headers: { "user-agent": "reprise", ...headers, ...callHeaders(request, body, signers, clock) },
        body,
      });
      answer.begin(response.statusCode, response.headers);
      // Leaving the loop early destroys the rest of the answer, and the socket with it.
      for await (const chunk of response.body as AsyncIterable<Buffer>) if (!answer.add(chunk)) break;
      return answer.outcome(request, clock);
    } catch (error) {
      if (closed) return { kind: "abandoned" };
      const type = transportCode(error);
      return { ...failed({ type, message: `${type} ${url.host}` }, request), ...answer.details() };
    }
  };

  const attempt: Attempt = (request) => {
    if (closed || request.signal.aborted) return { kind: "abandoned" };
    const { promise: outcome, resolve } = Promise.withResolvers<AttemptOutcome>();
    const controller = new AbortController();
    const answer = new WebhookAnswer(cut);
    const giveUp = (came: AttemptOutcome) => {
      resolve(came);
      // While the socket still connects nothing of the call was sent, and undici does not send a request that was aborted.
      controller.abort();
    };
    const deadline = new WebhookDeadline({
      timeoutMs: request.timeoutMs,
      clock,
      onOver: (why) => giveUp(why === "timeout" ? timedOut(request, answer) : notSent),
    });
    const onStop = () => giveUp({ kind: "abandoned" });
    request.signal.addEventListener("abort", onStop, { once: true });
    void post(request, answer, controller.signal, () => deadline.sent()).then(resolve);
    const settled = outcome.then(() => {
      deadline.cancel();
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

function timedOut({ timeoutMs }: AttemptRequest, answer: WebhookAnswer): AttemptOutcome {
  const error = { type: "TimeoutError", message: `no complete answer within ${timeoutMs} ms` };
  return { kind: "failed", class: "timeout", error, ...answer.details() };
}

/** The receiver was not asked, so this uses no attempt and can make no dead letter. */
const notSent: AttemptOutcome = {
  kind: "deferred",
  error: { type: "NotSent", message: "this process was too busy to send the request" },
  retryAfterMs: null,
  by: "handler",
};
