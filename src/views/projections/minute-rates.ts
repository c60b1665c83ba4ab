import { parseStreamName } from "../../event/names.ts";
import { type Projection, recordedMsOf } from "../projection.ts";

/** How many events came in each of the last minutes, how many calls failed, and how many dead letters there were. */
export const minuteRates: Projection<"event" | "journal"> = {
  takes: ["event", "journal"],
  tables: `
    -- tenant: also \`*\`, for all of them together.
    create table minute_counts(
      minute integer not null, tenant text not null, events integer not null, failures integer not null, letters integer not null, primary key (minute, tenant)
    ) strict, without rowid;
  `,
  apply({ latest }, input) {
    const minute = Math.floor(recordedMsOf(input.event) / 60_000);
    if (input.kind === "event") {
      latest.minuteCounts.of(minute, input.event.tenant).events++;
      return;
    }
    const { entry } = input;
    if (entry.type !== "delivery.failed" && entry.type !== "delivery.dead_lettered") return;
    const tenant = parseStreamName(entry.data.lane)?.tenant;
    if (tenant === undefined) return;
    const count = latest.minuteCounts.of(minute, tenant);
    if (entry.type === "delivery.failed" || entry.data.record !== null) count.failures++;
    if (entry.type === "delivery.dead_lettered") count.letters++;
  },
  settle({ db, latest }) {
    latest.minuteCounts.write(db);
  },
};
