import type { Dispatcher } from "undici";
import type { Clock } from "../../event/clock.ts";
import type { HandlerDefinition } from "../handler.ts";
import type { Attempt } from "./attempt.ts";
import { toCloudEvent } from "./cloud-event.ts";
import { makeCutSecrets } from "./secrets.ts";
import { Timeouts } from "./timeouts.ts";
import { makePool } from "./webhook-agent.ts";
import { WebhookCall, type WebhookCallNeeds } from "./webhook-call.ts";
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
 * @param dispatcher sends in place of a pool of its own, and outlives `close`.
 * @throws CONFIG_INVALID for a secret or a header that cannot be used. Calls never throw.
 */
export function makeWebhookAttempt(
  definition: WebhookDefinition,
  { clock, dispatcher }: { readonly clock: Clock; readonly dispatcher?: Dispatcher },
): WebhookAttempt {
  const { origin, pathname, search, host } = new URL(definition.url);
  const signers = makeSigners(`handler ${definition.name}`, [definition.secret ?? []].flat());
  const ownHeaders = sendableHeaders(`handler ${definition.name}`, definition.headers ?? {});
  const pool = dispatcher ?? makePool(origin, definition.concurrency);
  const target = { origin, path: `${pathname}${search}`, method: "POST" } as const;
  let closed = false;
  const needs: WebhookCallNeeds = { clock, timeouts: new Timeouts(clock), cut: makeCutSecrets(definition), host, isClosed: () => closed };

  return {
    call(request) {
      if (closed || request.signal.aborted) return { kind: "abandoned" };
      const call = new WebhookCall(request, needs);
      try {
        const body = Buffer.from(toCloudEvent(request));
        pool.dispatch({ ...target, headers: [...ownHeaders, ...callHeaders(request, body, signers, clock)], body }, call);
      } catch (error) {
        call.onResponseError(null, error);
      }
      return call;
    },
    async close() {
      closed = true;
      if (dispatcher === undefined) await pool.destroy();
    },
  };
}
