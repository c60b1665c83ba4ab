import { createHmac, createSecretKey } from "node:crypto";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { AttemptRequest } from "./attempt.ts";
import { secretBytes } from "./secrets.ts";

/** @returns the signature `v1,<base64>` of what stands before the body (`id.timestamp.`) and the body. */
export type Signer = (before: string, body: Buffer) => string;

/** Signs as Standard Webhooks says, once with each secret. @param owner `handler shipping`. @throws CONFIG_INVALID for a secret that is none. */
export function makeSigners(owner: string, secrets: readonly string[]): readonly Signer[] {
  return secrets.map((secret) => {
    const bytes = secretBytes(secret);
    if (bytes === undefined) throw new RepriseError("CONFIG_INVALID", `${owner}: a secret is not "whsec_" with base64 behind it`);
    const key = createSecretKey(bytes);
    return (before, body) => `v1,${createHmac("sha256", key).update(before).update(body).digest("base64")}`;
  });
}

/** The headers that say what a post is, with its signatures: name, value, name, value. @param id the same each time that it is sent. */
export function signedHeaders(id: string, body: Buffer, signers: readonly Signer[], clock: Clock): string[] {
  const timestamp = `${Math.floor(clock.now() / 1000)}`;
  const headers = ["content-type", "application/cloudevents+json", "webhook-id", id, "webhook-timestamp", timestamp];
  if (signers.length > 0) {
    const before = `${id}.${timestamp}.`;
    headers.push("webhook-signature", signers.map((sign) => sign(before, body)).join(" "));
  }
  return headers;
}

/** Those of one call of a handler. */
export function callHeaders(request: AttemptRequest, body: Buffer, signers: readonly Signer[], clock: Clock): string[] {
  const { event, deliveryId, traceparent = event.metadata.traceparent } = request;
  const headers = signedHeaders(deliveryId, body, signers, clock);
  // It is stored as the producer sent it, so it may hold what no header can. The body has it in any case.
  if (traceparent !== undefined && /^[!-~]+$/.test(traceparent)) headers.push("traceparent", traceparent);
  return headers;
}
