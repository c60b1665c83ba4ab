import type { MinuteRates, Rates } from "../model/rates.ts";
import type { Sources } from "./context.ts";

const shownMinutes = 60;

export function makeRates({ db, now: nowMs }: Pick<Sources, "db" | "now">): Rates {
  return {
    lastHour(tenant) {
      const now = Math.floor(nowMs() / 60_000);
      const minutes = Array.from({ length: shownMinutes }, (_, index) => now - shownMinutes + 1 + index);
      const rows = db().all<{ minute: number; events: number; failures: number; letters: number }>(
        "select m.* from json_each(?) j cross join minute_counts m on m.minute = j.value and m.tenant = ?",
        JSON.stringify(minutes),
        tenant,
      );
      const known = new Map(rows.map((row) => [row.minute, row]));
      return minutes.map((minute): MinuteRates => {
        const { events, failures, letters } = known.get(minute) ?? { events: 0, failures: 0, letters: 0 };
        return { minute: new Date(minute * 60_000).toISOString(), events, failures, deadLetters: letters };
      });
    },
  };
}
