import type { HandlerContext } from "reprise";
import { NotReady, RetryAfter } from "reprise";
import { z } from "zod";

/** The systems around the desk: where each one is found when the environment does not say. */
const integrations = {
  screening: { variable: "ORDER_DESK_SCREENING_URL", otherwise: "http://127.0.0.1:4681" },
  inventory: { variable: "ORDER_DESK_INVENTORY_URL", otherwise: "http://127.0.0.1:4682" },
  payments: { variable: "ORDER_DESK_PAYMENTS_URL", otherwise: "http://127.0.0.1:4683" },
  mail: { variable: "ORDER_DESK_MAIL_URL", otherwise: "http://127.0.0.1:4684" },
  analytics: { variable: "ORDER_DESK_ANALYTICS_URL", otherwise: "http://127.0.0.1:4685" },
} as const;
export type IntegrationName = keyof typeof integrations;

/** An integration is out of order, or answered what nobody expected: another attempt may help. The message never holds data. */
export class IntegrationFailed extends Error {
  override readonly name = "IntegrationFailed";
}

/** What an integration made of a call: its reply, or the word with which it said no. */
export type Answer<T> = { readonly refused: null; readonly reply: T } | { readonly refused: string };

const refusal = z.object({ error: z.string().regex(/^[a-z_]{1,64}$/) });

/**
 * Calls an integration. The delivery id goes along as `Idempotency-Key`: a retry or a replay finds what the first call did.
 *
 * @returns the reply of a 2xx, or the `error` of a 409: a no that the agent has to understand.
 * @throws IntegrationFailed for every other answer, and when nobody answers; for a 429, which uses no attempt, RetryAfter where it says when to come back, else NotReady.
 */
export async function callIntegration<T>(
  name: IntegrationName,
  path: string,
  body: unknown,
  context: HandlerContext,
  replySchema: z.ZodType<T>,
): Promise<Answer<T>> {
  const { variable, otherwise } = integrations[name];
  const response = await post(name, new URL(path, process.env[variable] ?? otherwise), body, context.signal, { "idempotency-key": context.deliveryId });
  if (response.ok) return { refused: null, reply: await understand(name, response, replySchema) };
  if (response.status === 409) return { refused: (await understand(name, response, refusal)).error };
  await response.body?.cancel(); // gives the connection back
  if (response.status === 429) throw busy(name, response.headers.get("retry-after"));
  throw new IntegrationFailed(`${name} answered ${response.status}`);
}

/** @param until seconds or a date. With either all agents of the system wait until then, not one order after another. */
function busy(name: string, until: string | null): Error {
  const when = /^\d+$/.test(until ?? "") ? Number(until) * 1000 : new Date(until ?? "");
  const text = `${name} is busy`;
  return Number.isNaN(Number(when)) ? new NotReady(text) : new RetryAfter(when, text);
}

/** POSTs JSON. @throws IntegrationFailed when nobody answers; the signal's reason when it aborts. */
async function post(name: string, url: URL, body: unknown, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  try {
    return await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body), signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new IntegrationFailed(`${name} cannot be reached`, { cause: error });
  }
}

async function understand<T>(name: string, response: Response, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) throw new IntegrationFailed(`${name} answered ${response.status} with a body that nobody expected`);
  return parsed.data;
}
