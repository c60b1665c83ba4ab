/** Posts what an alert has to say, signed as webhooks are. */
import { type AnswerHeaders, askedWaitMs } from "../delivery/attempt/asked-wait.ts";
import { transportCode } from "../delivery/attempt/attempt-error.ts";
import { makePool } from "../delivery/attempt/webhook-agent.ts";
import { sendableHeaders } from "../delivery/attempt/webhook-headers.ts";
import { makeSigners, signedHeaders } from "../delivery/attempt/webhook-signature.ts";
import type { Clock } from "../event/clock.ts";
import type { AlertDefinition } from "./alert-definition.ts";

/** What has come of a post. Null: the receiver has it. */
export type PostFailure = { readonly why: string; readonly askedMs: number | null } | null;

export interface AlertPost {
  /** Never rejects. */
  send(id: string, body: string, signal: AbortSignal): Promise<PostFailure>;
  close(): Promise<void>;
}

const patienceMs = 10_000;

/** @throws CONFIG_INVALID for a secret or a header that cannot be used. */
export function makeAlertPost(name: string, definition: AlertDefinition, clock: Clock): AlertPost {
  const owner = `alert ${name}`;
  const { origin, pathname, search, host } = new URL(definition.url);
  const signers = makeSigners(owner, [definition.secret].flat());
  const headers = sendableHeaders(owner, definition.headers ?? {});
  const pool = makePool(origin, 1);

  return {
    async send(id, body, signal) {
      const bytes = Buffer.from(body);
      const over = new AbortController();
      const timer = clock.after(patienceMs, () => over.abort());
      try {
        const answer = await pool.request({
          path: `${pathname}${search}`,
          signal: AbortSignal.any([signal, over.signal]),
          method: "POST",
          headers: [...headers, ...signedHeaders(id, bytes, signers, clock)],
          body: bytes,
        });
        answer.body.on("error", () => {}).destroy(); // nobody reads it
        const { statusCode } = answer;
        if (statusCode >= 200 && statusCode < 300) return null;
        return { why: `HTTP ${statusCode}`, askedMs: askedWaitMs(answer.headers as AnswerHeaders, clock.now()) };
      } catch (error) {
        return { why: over.signal.aborted ? `no answer within ${patienceMs / 1000} s` : `${transportCode(error)} ${host}`, askedMs: null };
      } finally {
        timer.cancel();
      }
    },
    close: () => pool.destroy(),
  };
}
