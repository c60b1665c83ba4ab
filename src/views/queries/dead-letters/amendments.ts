/** Amendments of dead letters: the acts from the rows, the data from the journal that holds it. */
import type { Catalog } from "../../../catalog/catalog.ts";
import { RepriseError } from "../../../errors.ts";
import { type Change, changesBetween } from "../../../event/changes.ts";
import type { Json, StoredEvent } from "../../../event/event.ts";
import { readEvent } from "../../../log/read-event.ts";
import type { JournalData } from "../../../records/journal.ts";
import type { ViewDatabase } from "../../database.ts";
import type { AmendmentAct, AmendmentView } from "../../model/amendment.ts";
import type { DeadLetterDetail } from "../../model/dead-letter.ts";
import type { Sources } from "../context.ts";
import { liftedView } from "../events/event-view.ts";

const shownActs = 50;
const shownChanges = 100;

interface AmendmentRow {
  /** Stream and revision. A handler that was divided anew has later ones in other journals. */
  readonly journal: string;
  readonly journal_revision: number;
  readonly at: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly migration: string | null;
  readonly replay_id: string | null;
}

interface LetterKey {
  readonly entity: number;
  readonly revision: number;
  readonly handler: string;
}

/** Newest first: the first one is in force while the delivery is a dead letter. */
function amendmentRows(db: ViewDatabase, { entity, revision, handler }: LetterKey, limit: number): readonly AmendmentRow[] {
  return db.all<AmendmentRow>(
    `select journal, journal_revision, at, actor, reason, migration, replay_id from amendments where entity = ? and revision = ? and handler = ?
     order by position desc limit ? + 0`,
    entity,
    revision,
    handler,
    limit,
  );
}

const toAct = ({ at, actor, reason, migration, replay_id }: AmendmentRow): AmendmentAct => ({ at, actor, reason, migration, replayId: replay_id });

export function amendmentActs(db: ViewDatabase, key: LetterKey): readonly AmendmentAct[] {
  return amendmentRows(db, key, shownActs).map(toAct);
}

/** What is in force for a dead letter. */
export interface AmendmentInForce {
  readonly act: AmendmentAct;
  readonly data: () => Promise<Json>;
}

/** Null when the stored data is in force. Synchronous but for the data, which is read from the log. */
export function amendmentInForce({ db, log }: Sources, key: LetterKey): AmendmentInForce | null {
  const [row] = amendmentRows(db(), key, 1);
  if (row === undefined) return null;
  const { journal } = row;
  const data = async (): Promise<Json> => {
    const event = await readEvent(log, journal, row.journal_revision);
    if (event === null) throw new RepriseError("JOURNAL_DAMAGED", `${journal} has no amendment at revision ${row.journal_revision} any more.`);
    return (event.data as unknown as JournalData["delivery.amended"]).data;
  };
  return { act: toAct(row), data };
}

export function amendmentView(act: AmendmentAct, stored: Json, data: Json): AmendmentView {
  const changes: Change[] = [];
  let changesTotal = 0;
  for (const change of changesBetween(stored, data)) {
    if (changes.length < shownChanges) changes.push(change);
    changesTotal++;
  }
  return { ...act, data, changes, changesTotal };
}

/** A dead letter as it is once an amendment is recorded, without waiting for the rows. */
export function amendedDetail(catalog: Catalog, letter: DeadLetterDetail, stored: StoredEvent, data: Json, act: AmendmentAct): DeadLetterDetail {
  const event = { ...stored, data };
  const lifted = liftedView(catalog, event);
  const part = letter.part === null ? undefined : lifted.parts?.[letter.part];
  return {
    ...letter,
    eventType: part?.type ?? letter.eventType,
    schemaVersion: part?.schemaVersion ?? lifted.schemaVersion,
    data: part?.data ?? lifted.data,
    dataError: lifted.dataError,
    parts: lifted.parts,
    dropped: lifted.dropped,
    amendedAt: act.at,
    steps: catalog.steps(event),
    amendment: amendmentView(act, stored.data, data),
    amendments: [act, ...letter.amendments].slice(0, shownActs),
  };
}
