/** Adds to a store the HTTP side for a server of its user's own. */
import { openKeys } from "../access/keys.ts";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import type { Clock } from "../event/clock.ts";
import type { Store, StoreCore } from "../store/store.ts";
import { makeHttpSide } from "./http-side.ts";

/** The store itself, with `http`. What it follows for that (files of keys) ends with the store. */
export function withHttp(store: StoreCore, { logger, clock }: { readonly logger: DeliveryLogger; readonly clock: Clock }): Store {
  const { close } = store;
  const followed: { close(): void }[] = [];
  const keysOf = (path: string) => {
    const keys = openKeys({
      path,
      clock,
      onRead: (count) => logger.info({ keys: count }, "read the API keys again"),
      onTrouble: (err) => logger.error({ err }, "the API keys file cannot be used: the keys from before stay in force"),
    });
    followed.push(keys);
    return keys;
  };
  return Object.assign(store, {
    http: (options: Parameters<Store["http"]>[0] = {}) =>
      makeHttpSide({ store, logger, clock, keys: options.keys === undefined ? null : keysOf(options.keys) }, options),
    async close() {
      for (const each of followed) each.close();
      await close();
    },
  });
}
