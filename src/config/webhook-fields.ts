/** What the config knows of a place that Reprise posts to. */
import { z } from "zod";
import { secretBytes } from "../delivery/attempt/secrets.ts";
import { headerProblems } from "../delivery/attempt/webhook-headers.ts";
import { custom } from "./fields.ts";

export const urlShape = custom<string>(isWebhookUrl, "must be an http or https URL without credentials (they belong in `headers`)");

const secretText = 'must be "whsec_" and 24 to 64 random bytes in base64 (whsec_$(openssl rand -base64 32))';
const secretShape = custom<string>(isSecret, secretText);

export const secretsShape = z.union([secretShape, z.array(secretShape).min(1).max(10)], { error: `${secretText}, or a list of 1 to 10 of them` });

export const headersShape = z
  .record(z.string(), z.string({ error: "must be a text" }), { error: "must map header names to texts" })
  .superRefine((headers, context) => {
    for (const { name, problem } of headerProblems(headers)) context.addIssue({ code: "custom", path: [name], message: problem });
  });

function isWebhookUrl(value: unknown): boolean {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}

/** Standard Webhooks: `whsec_` and 24 to 64 bytes in padded base64. */
function isSecret(value: unknown): boolean {
  const bytes = typeof value === "string" ? secretBytes(value) : undefined;
  return bytes !== undefined && bytes.length >= 24 && bytes.length <= 64;
}
