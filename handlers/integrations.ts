import { defineIntegration } from "reprise";

/**
 * The systems around the desk. Each has a breaker, so that one that is down costs its agents time, and no attempts. `failures` is more than one event can
 * reach by itself within 30 s: a single letter that mail does not take is no mail server that is down. Analytics has none: what fails there is skipped, and
 * need not wait.
 */
export const integrations = [
  defineIntegration({ name: "screening" }),
  defineIntegration({ name: "inventory" }),
  defineIntegration({ name: "payments", concurrency: 4, breaker: { failures: 10 } }),
  defineIntegration({ name: "mail", concurrency: 4, breaker: { failures: 10 } }),
  defineIntegration({ name: "analytics", concurrency: 8, breaker: false }),
];
