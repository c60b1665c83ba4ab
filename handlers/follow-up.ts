import type { CurrentData, CurrentEvent, EventDefinition, HandlerContext } from "reprise";
import { z } from "zod";
import { IntegrationFailed, post } from "./integration.ts";

/** Reprise is told where it is itself: the agents append over HTTP, as agents in any other process or language would. */
const reprise = { variable: "ORDER_DESK_REPRISE_URL", otherwise: "http://127.0.0.1:4680" };

const problem = z.object({ code: z.string().regex(/^[A-Z_]{1,64}$/) });

/**
 * Appends what an agent did, to the same entity: caused by `cause`, with its correlation and its call chain plus this agent.
 *
 * Each delivery has at most one follow-up, so its id is the delivery's: a second append of it is a duplicate, not a second event.
 *
 * @throws IntegrationFailed when Reprise refuses it or cannot be reached.
 */
export async function appendFollowUp<E extends EventDefinition>(
  agent: string,
  cause: CurrentEvent,
  followUp: E,
  data: CurrentData<E>,
  context: HandlerContext,
): Promise<void> {
  const { callChain, correlationId } = cause.metadata;
  const event = {
    id: context.deliveryId,
    type: followUp.type,
    entity: cause.entity,
    data,
    source: agent,
    correlation_id: correlationId ?? cause.id,
    causation_id: cause.id,
    call_chain: [...(callChain ?? (cause.source === null ? [] : [cause.source])), agent],
  };
  const response = await post("reprise", new URL("/events", process.env[reprise.variable] ?? reprise.otherwise), event, context.signal);
  const reply: unknown = await response.json().catch(() => undefined);
  if (response.ok) return;
  throw new IntegrationFailed(`reprise answered ${response.status} ${problem.safeParse(reply).data?.code ?? "without a code"}`);
}
