import { Webhook } from "standardwebhooks";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { AttemptRequest } from "./attempt.ts";

/** Signs as Standard Webhooks says, once with each secret. @param owner `handler shipping`. @throws CONFIG_INVALID for a secret that is none. */
export function makeSigners(owner: string, secrets: readonly string[]): readonly Webhook[] {
  return secrets.map((secret) => {
    try {
      return new Webhook(secret);
    } catch {
      // Without the cause, because its message may hold a part of the secret.
      throw new RepriseError("CONFIG_INVALID", `${owner}: a secret is not "whsec_" with base64 behind it`);
    }
  });
}

/** The headers that say what a post is, with its signatures. @param id the same each time that it is sent. */
export function signedHeaders(id: string, body: string, signers: readonly Webhook[], clock: Clock): Record<string, string> {
  const sentAt = new Date(clock.now());
  return {
    "content-type": "application/cloudevents+json",
    "webhook-id": id,
    "webhook-timestamp": `${Math.floor(sentAt.getTime() / 1000)}`,
    ...(signers.length > 0 && { "webhook-signature": signers.map((signer) => signer.sign(id, sentAt, body)).join(" ") }),
  };
}

/** Those of one call of a handler. */
export function callHeaders(request: AttemptRequest, body: string, signers: readonly Webhook[], clock: Clock): Record<string, string> {
  const { event, deliveryId, traceparent = event.metadata.traceparent } = request;
  return {
    ...signedHeaders(deliveryId, body, signers, clock),
    // It is stored as the producer sent it, so it may hold what no header can. The body has it in any case.
    ...(traceparent !== undefined && /^[!-~]+$/.test(traceparent) && { traceparent }),
  };
}
