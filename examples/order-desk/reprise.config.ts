/**
 * The order desk that ships, hurried for the demo: waits between attempts, and a breaker's between trials, are a hundredth of the
 * usual ones, and inventory's patience is a second, so that a story of minutes fits into seconds. Event types, upcasters and
 * handlers are the shipped ones.
 */
import { defineConfig, type HandlerDefinition, type IntegrationDefinition } from "reprise";
import { handlers } from "../../handlers/index.ts";
import { integrations } from "../../handlers/integrations.ts";
import { events } from "../../schemas/index.ts";
import { upcasters } from "../../upcasters/index.ts";

const hurried = (handler: HandlerDefinition): HandlerDefinition => ({
  ...handler,
  timeoutMs: handler.name === "inventory" ? 1_000 : 15_000,
  retry: { ...handler.retry, initialDelayMs: 20, maxDelayMs: 600 },
});

const impatient = ({ breaker, ...integration }: IntegrationDefinition): IntegrationDefinition => ({
  ...integration,
  breaker: breaker !== false && { ...(typeof breaker === "object" && breaker), coolDownMs: 300 },
});

export default defineConfig({ events, upcasters, integrations: integrations.map(impatient), handlers: handlers.map(hurried) });
