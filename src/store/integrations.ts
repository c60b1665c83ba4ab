/** What handlers call and share, and the acts on it. */
import type { ShownIntegration } from "../delivery/integrations/integrations.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { type PositionText, positionText } from "../event/event.ts";
import type { Views } from "../views/model/views.ts";
import { type ActOptions, actOf } from "./caller.ts";
import { doOnce } from "./requests/on-record.ts";

export interface IntegrationView extends ShownIntegration {
  /** Events that wait for its handlers, as in `handlers()`. */
  readonly waiting: number;
}

export interface IntegrationActs {
  /**
   * The config's integrations, and those that handlers have to themselves.
   *
   * @param tenant whose events count as waiting; left out: all tenants'.
   * @param ofAll whether the failures of all tenants are told: those that open it. Default: only where no tenant is named.
   */
  integrations(tenant?: string, ofAll?: boolean): Promise<readonly IntegrationView[]>;
  /**
   * Nothing of its handlers is called until it is reset; what is under way ends.
   *
   * @returns position of the record.
   * @throws NOT_FOUND for one that the config does not have.
   */
  isolateIntegration(name: string, options?: ActOptions): Promise<PositionText>;
  /** Closes it, whatever it was; failures, and a break that it asked for, are forgotten. @throws NOT_FOUND */
  resetIntegration(name: string, options?: ActOptions): Promise<PositionText>;
}

export function makeIntegrationActs({ delivery, views }: { readonly delivery: RunningHandlers; readonly views: Views }): IntegrationActs {
  const { integrations } = delivery;
  return {
    async integrations(tenant, ofAll = tenant === undefined) {
      const waiting = new Map((await views.handlers(tenant)).map((handler) => [handler.name, handler.waiting]));
      return integrations
        .all(ofAll ? undefined : tenant)
        .map((shown) => ({ ...shown, waiting: shown.handlers.reduce((sum, name) => sum + (waiting.get(name) ?? 0), 0) }));
    },
    isolateIntegration: async (name, options = {}) =>
      positionText(await doOnce(options, "integration.isolated", async () => integrations.isolate(name, actOf(options)))),
    resetIntegration: async (name, options = {}) =>
      positionText(await doOnce(options, "integration.reset", async () => integrations.reset(name, actOf(options)))),
  };
}
