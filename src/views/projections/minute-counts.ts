import { everyTenant } from "../../event/names.ts";
import type { ViewDatabase } from "../database.ts";

/** Minutes that are kept: the last hour is shown, and clocks of two machines differ. */
const keptMinutes = 120;

interface MinuteCount {
  events: number;
  failures: number;
  letters: number;
}

/** What happened in each minute, by tenant and of all of them, since it was written last. */
export class MinuteCounts {
  readonly #minutes = new Map<number, Map<string, MinuteCount>>();
  /** The latest minute when old ones were last removed: that is done once a minute, and not with each commit. */
  #clearedAt = Number.NEGATIVE_INFINITY;

  of(minute: number, tenant: string): MinuteCount {
    let tenants = this.#minutes.get(minute);
    if (tenants === undefined) this.#minutes.set(minute, (tenants = new Map()));
    let count = tenants.get(tenant);
    if (count === undefined) tenants.set(tenant, (count = { events: 0, failures: 0, letters: 0 }));
    return count;
  }

  write(db: ViewDatabase): void {
    let latest = this.#clearedAt;
    for (const [minute, tenants] of this.#minutes) {
      if (minute > latest) latest = minute;
      const all: MinuteCount = { events: 0, failures: 0, letters: 0 };
      for (const [tenant, count] of tenants) {
        for (const what of ["events", "failures", "letters"] as const) all[what] += count[what];
        add(db, minute, tenant, count);
      }
      add(db, minute, everyTenant, all);
    }
    if (latest > this.#clearedAt) db.run("delete from minute_counts where minute <= ?", latest - keptMinutes);
    this.#clearedAt = latest;
    this.clear();
  }

  clear(): void {
    this.#minutes.clear();
  }
}

function add(db: ViewDatabase, minute: number, tenant: string, { events, failures, letters }: MinuteCount): void {
  db.run(
    `insert into minute_counts values (?, ?, ?, ?, ?) on conflict do update
     set events = events + excluded.events, failures = failures + excluded.failures, letters = letters + excluded.letters`,
    minute,
    tenant,
    events,
    failures,
    letters,
  );
}
