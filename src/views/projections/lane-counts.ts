import type { ViewDatabase } from "../database.ts";

export const laneCountTables = `
    -- How many lanes are alike (kind: laneKind), and how many events wait in those that are counted: half a million of them may stand still.
    create table lane_counts(handler text not null, tenant text not null, kind integer not null, lanes integer not null, waiting integer not null,
      primary key (handler, tenant, kind)) strict, without rowid;
`;

/** What lanes are alike in. */
export const laneKind = { paused: 1, why: 2, letters: 4, retry: 8, detached: 16, counted: 32 } as const;

export interface KindOfLane {
  readonly paused: 0 | 1;
  readonly why: string | null;
  readonly letters: number;
  readonly retry_at: string | null;
  readonly detached: 0 | 1;
  readonly counted: number | null;
}

export function kindOf({ paused, why, letters, retry_at, detached, counted }: KindOfLane): number {
  return (
    (paused === 1 ? laneKind.paused : 0) |
    (why !== null ? laneKind.why : 0) |
    (letters > 0 ? laneKind.letters : 0) |
    (retry_at !== null ? laneKind.retry : 0) |
    (detached === 1 ? laneKind.detached : 0) |
    (counted !== null ? laneKind.counted : 0)
  );
}

/** How many lanes, and events that wait in them, came or went since this was written last. */
export class LaneCounts {
  readonly #handlers = new Map<string, Map<string, Map<number, { lanes: number; waiting: number }>>>();

  add(handler: string, tenant: string, kind: number, lanes: number, waiting: number): void {
    let tenants = this.#handlers.get(handler);
    if (tenants === undefined) this.#handlers.set(handler, (tenants = new Map()));
    let kinds = tenants.get(tenant);
    if (kinds === undefined) tenants.set(tenant, (kinds = new Map()));
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { lanes, waiting });
    else {
      known.lanes += lanes;
      known.waiting += waiting;
    }
  }

  write(db: ViewDatabase): void {
    for (const [handler, tenants] of this.#handlers)
      for (const [tenant, kinds] of tenants)
        for (const [kind, { lanes, waiting }] of kinds) {
          if (lanes === 0 && waiting === 0) continue;
          db.run(
            `insert into lane_counts values (?, ?, ?, ?, ?)
             on conflict do update set lanes = lanes + excluded.lanes, waiting = waiting + excluded.waiting`,
            ...[handler, tenant, kind, lanes, waiting],
          );
          if (lanes < 0) db.run("delete from lane_counts where handler = ? and tenant = ? and kind = ? and lanes = 0", handler, tenant, kind);
        }
    this.clear();
  }

  /** The lanes of the handler are counted no more, but as lanes. */
  writeUncounted(db: ViewDatabase, handler: string): void {
    const { counted } = laneKind;
    this.write(db);
    for (const { tenant, kind, lanes, waiting } of db.all<{ tenant: string; kind: number; lanes: number; waiting: number }>(
      `select tenant, kind, lanes, waiting from lane_counts where handler = ? and kind & ${counted}`,
      handler,
    )) {
      this.add(handler, tenant, kind, -lanes, -waiting);
      this.add(handler, tenant, kind & ~counted, lanes, 0);
    }
    this.write(db);
  }

  /** The handler has no lanes any more. */
  writeNone(db: ViewDatabase, handler: string): void {
    this.write(db);
    db.run("delete from lane_counts where handler = ?", handler);
  }

  clear(): void {
    this.#handlers.clear();
  }
}
