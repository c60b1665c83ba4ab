import { RowBuffer } from "../log/row-buffer.ts";
import type { ViewDatabase } from "./database.ts";
import type { Latest } from "./projection.ts";
import { DeliveryCounts } from "./projections/delivery-counts.ts";
import { eventColumns } from "./projections/event-index.ts";
import { JournalsRead } from "./projections/journals-read.ts";
import { LaneRows } from "./projections/lane-row.ts";
import { LetterCounts } from "./projections/letter-counts.ts";
import { MinuteCounts } from "./projections/minute-counts.ts";
import { TypeCounts } from "./projections/type-counts.ts";
import { TypeSets } from "./projections/type-sets.ts";

export function makeLatest(db: ViewDatabase): Latest {
  const events = new RowBuffer(
    eventColumns,
    (rows) => `insert or rollback into events values ${rows}`,
    (sql, values) => db.run(sql, ...values),
  );
  const counts = { types: new TypeCounts(), minuteCounts: new MinuteCounts(), deliveries: new DeliveryCounts(), letters: new LetterCounts() };
  return { events, entities: [], minutes: new Map(), ...counts, typeSets: new TypeSets(), lanes: new LaneRows(), journals: new JournalsRead() };
}

/** After a transaction that was undone. */
export function clearLatest({ entities, events, types, minutes, minuteCounts, deliveries, letters, typeSets, lanes, journals }: Latest): void {
  entities.length = 0;
  for (const each of [events, types, minutes, minuteCounts, deliveries, letters, typeSets, lanes, journals]) each.clear();
}
