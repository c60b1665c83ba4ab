import type { ViewDatabase } from "../database.ts";
import { type DeliveryStatus, deliveryStatuses } from "../model/delivery.ts";

export const deliveryCountTables = `
    -- How many deliveries with rows of their own are alike in what handlers are counted by: half a million of them may be dead letters.
    create table delivery_counts(handler text not null, tenant text not null, type text not null, status text not null, deliveries integer not null,
      primary key (handler, tenant, type, status)) strict, without rowid;
`;

interface CountedDelivery {
  readonly handler: string;
  readonly tenant: string;
  readonly type: string;
}

interface Counted extends CountedDelivery {
  /** By the place of the status among all. */
  readonly more: Int32Array;
}

const places = new Map(deliveryStatuses.map((status, place) => [status, place]));

/** How many deliveries came or went of each handler, tenant, type and status since this was written last. */
export class DeliveryCounts {
  readonly #all = new Map<string, Map<string, Map<string, Counted>>>();
  /** Of neighbours: most are alike. */
  #last: Counted | null = null;

  /** @param from null for a new row, `to` null for one that is gone. */
  move({ handler, tenant, type }: CountedDelivery, from: DeliveryStatus | null, to: DeliveryStatus | null, deliveries = 1): void {
    if (from === to) return;
    const last = this.#last;
    const { more } =
      last !== null && last.type === type && last.handler === handler && last.tenant === tenant ? last : (this.#last = this.#of(handler, tenant, type));
    if (from !== null) more[places.get(from)!]! -= deliveries;
    if (to !== null) more[places.get(to)!]! += deliveries;
  }

  #of(handler: string, tenant: string, type: string): Counted {
    let tenants = this.#all.get(handler);
    if (tenants === undefined) this.#all.set(handler, (tenants = new Map()));
    let types = tenants.get(tenant);
    if (types === undefined) tenants.set(tenant, (types = new Map()));
    let counted = types.get(type);
    if (counted === undefined) types.set(type, (counted = { handler, tenant, type, more: new Int32Array(deliveryStatuses.length) }));
    return counted;
  }

  write(db: ViewDatabase): void {
    for (const tenants of this.#all.values())
      for (const types of tenants.values())
        for (const { handler, tenant, type, more } of types.values())
          for (const [place, deliveries] of more.entries()) {
            if (deliveries === 0) continue;
            const key = [handler, tenant, type, deliveryStatuses[place]!];
            db.run(
              "insert into delivery_counts values (?, ?, ?, ?, ?) on conflict do update set deliveries = deliveries + excluded.deliveries",
              ...key,
              deliveries,
            );
            if (deliveries < 0) db.run("delete from delivery_counts where handler = ? and tenant = ? and type = ? and status = ? and deliveries = 0", ...key);
          }
    this.clear();
  }

  /** What was open of the handler's is discarded. */
  discardAll(db: ViewDatabase, handler: string): void {
    this.write(db);
    for (const { tenant, type, status, deliveries } of db.all<{ tenant: string; type: string; status: DeliveryStatus; deliveries: number }>(
      "select tenant, type, status, deliveries from delivery_counts where handler = ? and status in ('failed', 'dead_lettered', 'escalated')",
      handler,
    ))
      this.move({ handler, tenant, type }, status, "discarded", deliveries);
  }

  clear(): void {
    this.#all.clear();
    this.#last = null;
  }
}
