/** What handlers call and share. */
import { z } from "zod";
import type { IntegrationView } from "../../store/integrations.ts";
import { count, position } from "./reply-members.ts";

const states = ["closed", "open", "half_open", "isolated"] as const;

export const integrationsReply = z.strictObject({
  integrations: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(states),
      since: z.string().nullable(),
      until: z.string().nullable(),
      gated_until: z.string().nullable(),
      failures: count,
      waiting: count,
      handlers: z.array(z.string()),
    }),
  ),
});

export const integrationActReply = z.strictObject({ name: z.string(), state: z.enum(["isolated", "closed"]), position });

export type IntegrationsReply = z.input<typeof integrationsReply>;
export type IntegrationActReply = z.input<typeof integrationActReply>;

export function toIntegrationsReply(integrations: readonly IntegrationView[]): IntegrationsReply {
  return {
    integrations: integrations.map(({ name, state, since, until, gatedUntil, failures, waiting, handlers }) => ({
      ...{ name, state, since, until, gated_until: gatedUntil, failures, waiting, handlers: [...handlers] },
    })),
  };
}
