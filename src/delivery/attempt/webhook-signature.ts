import { Webhook } from "standardwebhooks";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { AttemptRequest } from "./attempt.ts";

/** Signs as Standard Webhooks says, once with each secret. @throws CONFIG_INVALID for a secret that is none. */
export function makeSigners(handler: string, secrets: readonly string[]): readonly Webhook[] {
  return secrets.map((secret) => {
    try {
      return new Webhook(secret);
    } catch {
      // Without the cause, because its message may hold a part of the secret.
      throw new RepriseError("CONFIG_INVALID", `handler ${handler}: a secret is not "whsec_" with base64 behind it`);
    }
  });
}

/** The headers of one call that say what it is, with its signatures. */
export function callHeaders({ event, deliveryId }: AttemptRequest, body: string, signers: readonly Webhook[], clock: Clock): Record<string, string> {
  const sentAt = new Date(clock.now());
  const { traceparent } = event.metadata;
  return {
    "content-type": "application/cloudevents+json",
    "webhook-id": deliveryId,
    "webhook-timestamp": `${Math.floor(sentAt.getTime() / 1000)}`,
    ...(signers.length > 0 && { "webhook-signature": signers.map((signer) => signer.sign(deliveryId, sentAt, body)).join(" ") }),
    // It is stored as the producer sent it, so it may hold what no header can. The body has it in any case.
    ...(traceparent !== undefined && /^[!-~]+$/.test(traceparent) && { traceparent }),
  };
}
