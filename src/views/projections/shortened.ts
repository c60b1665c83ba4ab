import type { ViewDatabase } from "../database.ts";
import type { Entry, Folding, Projection } from "../projection.ts";
import { inPartition } from "./checkpoints.ts";
import { forgetRecords } from "./delivery-history.ts";
import { journalsReadTable } from "./journals-read.ts";

type EntryOfKind<K extends Entry["kind"]> = Extract<Entry, { readonly kind: K }>;

/**
 * Forgets what went when a journal was shortened: the texts of attempts of deliveries that were over, and exact times of completions. It does the same to rows that
 * were made from the whole journal and to those that were made from what is left of it, so they are the same ever after.
 */
export const shortened: Projection<"journal" | "abridged"> = {
  takes: ["journal", "abridged"],
  tables: `
${journalsReadTable}    -- Journals that were shortened before these rows had read them: the rows are of no use.
    create table journals_missed(journal text primary key) strict, without rowid;
  `,
  apply(folding, input) {
    const { db, latest } = folding;
    if (input.kind === "journal") latest.journals.note(db, input.event);
    if (input.kind !== "abridged") return;
    latest.journals.write(db);
    latest.lanes.write(db);
    mustHaveRead(folding.db, input);
    forgetTexts(folding, input);
    forgetMarks(folding, input);
  },
  settle({ db, latest }) {
    latest.journals.write(db);
  },
};

/** Whether something went from the log before these rows had it. */
export function missedEntries(db: Pick<ViewDatabase, "get">): boolean {
  return db.get("select 1 from journals_missed limit 1") !== undefined;
}

/** What comes from an abridgement is all that there is. Of the entries themselves each must have come before they went. */
function mustHaveRead(db: ViewDatabase, { abridged: { journal, before } }: EntryOfKind<"abridged">): void {
  const read = db.get<{ revision: number; missing: number | null; abridged: 0 | 1 }>(
    "select revision, missing, abridged from journals_read where journal = ?",
    journal,
  );
  if (read?.abridged === 1) return;
  if (read !== undefined && read.revision >= before - 1 && (read.missing === null || read.missing >= before)) return;
  db.run("insert or ignore into journals_missed values (?)", journal);
  db.report(new Error(`${journal} was shortened before the views had read it`));
}

function forgetTexts({ db }: Folding, { handler, place, abridged: { through } }: EntryOfKind<"abridged">): void {
  const over = `handler = ? and ended_position <= ? ${inPartition("deliveries.entity", place)}`;
  const ofThem = `(entity, revision, handler) in (select entity, revision, handler from deliveries indexed by deliveries_with_texts where ${over})`;
  forgetRecords(db, ofThem, handler, Number(through));
  db.run(`update deliveries indexed by deliveries_with_texts set error_message = null, ended_position = null where ${over}`, handler, Number(through));
}

/** Of completions without a row of their own: the handler's checkpoint at the end of each minute says when they were. */
function forgetMarks({ db }: Folding, { handler, place, abridged: { until } }: EntryOfKind<"abridged">): void {
  const second = Math.floor(Date.parse(until) / 1000);
  const own = [handler, place.of, place.partition] as const;
  db.run(
    `delete from progress_marks where handler = ? and partitions = ? and partition = ? and second < ? and second not in
       (select max(second) from progress_marks where handler = ? and partitions = ? and partition = ? group by second / 60)`,
    ...own,
    second,
    ...own,
  );
  db.run(`delete from lane_marks where handler = ? and second < ? ${inPartition("lane_marks.entity", place)}`, handler, second);
}
