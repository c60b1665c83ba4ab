/** Removes events beside live work: in small transactions, with a turn for others between them. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { checkTruncate } from "../append-rules.ts";
import type { CutOptions, FreedRoom, RestOptions, StreamCut } from "../event-log.ts";
import type { OwnedConnection } from "./connection.ts";
import type { LogDatabase } from "./database.ts";
import { around } from "./page-lost.ts";
import { fromSqliteError } from "./sqlite-error.ts";
import type { Cut } from "./truncation.ts";

/** What the steps work with. */
export interface Cutter {
  readonly connection: OwnedConnection;
  /** @throws CLOSED */
  readonly open: () => unknown;
}

/** Steps that nobody's sync has brought to the disk, and then one of their own, with a checkpoint: the syncs of appends beside them do as well. */
const stepsPerSync = 16;
/** Events that one transaction of a stream by itself removes: some milliseconds. */
const removedAtOnce = 1000;
/** Pages that one transaction gives back: a quarter of a millisecond. */
const freedAtOnce = 16;
/** A page that is given back is written as much as so many events that are removed. */
const eventsOfPage = 4;

export async function cutStreams(cutter: Cutter, given: readonly StreamCut[], { after, through, rest = noRest, signal }: CutOptions): Promise<void> {
  for (const { stream, before } of given) checkTruncate(stream, before);
  const steps = makeSteps(cutter, "Removing archived events");
  const cuts = new Map<number, Cut>();
  for (const { stream, before } of given) {
    const at = await around(() => steps.db().streamHead(stream));
    if (at.id !== 0) cuts.set(at.id, { before: Math.min(before, at.head + 1), first: steps.db().firstOf(at) });
    if (cuts.size % 32 === 0) await nextTurn();
  }
  for (let reached = Number(after); reached < Number(through); ) {
    signal?.throwIfAborted();
    const db = steps.db();
    const cutting = db.nextToCut(cuts, reached, Number(through));
    if (cutting.rows.length > 0) {
      await steps.run((inside) => inside.cut(cutting));
      db.noteCut(cuts, cutting);
    }
    reached = cutting.reached;
    await rest(cutting.rows.length);
    await nextTurn();
  }
  await steps.end();
  for (const { stream, before } of given) {
    signal?.throwIfAborted();
    const at = await around(() => steps.db().streamHead(stream));
    const cut = cuts.get(at.id);
    if (cut !== undefined && cut.first < cut.before) await truncateStream(cutter, stream, before, rest); // it lies elsewhere, or a row is damaged
  }
}

/** Removes a stream's events below a revision, part by part. */
export async function truncateStream(cutter: Cutter, stream: string, before: number, rest: (done: number) => Promise<void> = noRest): Promise<void> {
  const { connection, open } = cutter;
  let removed = removedAtOnce;
  const removeSome = () => {
    open();
    const db = connection.forWrite();
    const at = db.streamHead(stream);
    const outcome = db.transact(() => {
      removed = db.removeEvents(at, Math.min(before, at.head + 1), removedAtOnce);
    }, "now");
    if (outcome.is === "unclear") connection.renew();
    if (outcome.is !== "stored") throw fromSqliteError(outcome.error, `Truncating ${stream}`);
  };
  for (; removed === removedAtOnce; await nextTurn()) {
    await around(removeSome);
    await rest(removed);
  }
}

export async function freeRoom(
  cutter: Cutter,
  { rest = noRest, signal, writeAgain = false }: RestOptions & { readonly writeAgain?: boolean } = {},
): Promise<FreedRoom> {
  const steps = makeSteps(cutter, "Giving room back");
  const { pages, pageBytes } = steps.db().freePages();
  let freed = 0;
  if (writeAgain && !steps.db().canShrink) {
    await steps.end();
    writeWhole(cutter);
    freed = pages;
  }
  while (steps.db().canShrink) {
    signal?.throwIfAborted();
    const before = steps.db().freePages().pages;
    if (before === 0) break;
    await steps.run((inside) => inside.freeSome(freedAtOnce));
    const now = before - steps.db().freePages().pages;
    freed += Math.max(0, now);
    if (now <= 0) break; // whoever appends takes them as fast
    await rest(now * eventsOfPage);
    await nextTurn();
  }
  await steps.end();
  const { canShrink } = steps.db();
  const left = steps.db().freePages().pages;
  return { bytes: freed * pageBytes, owed: canShrink || left === 0 ? null : owedText(left * pageBytes) };
}

function writeWhole({ connection }: Cutter): void {
  try {
    connection.forWrite().writeAgain();
  } catch (error) {
    throw fromSqliteError(error, "Writing log.db again");
  } finally {
    connection.renew(); // what this process knows of the file's pages is of the file as it was
  }
}

/** Text for a log that an earlier build made. */
function owedText(bytes: number): string {
  return `log.db was made by a build whose files could not shrink: ${bytes} bytes in it are free, and new events take them. To make it shorter, stop the service and run \`reprise archive run --log sqlite:<folder>\` once.`;
}

const noRest = async () => {};

function makeSteps({ connection, open }: Cutter, what: string) {
  let unsynced = 0;
  const sync = async () => {
    unsynced = 0;
    try {
      const db = connection.use();
      await db.sync();
      db.checkpoint();
    } catch (error) {
      throw fromSqliteError(error, what);
    }
  };
  return {
    db(): LogDatabase {
      open();
      return connection.forWrite();
    },
    /** One transaction. A power cut may take it back, whole. */
    async run(work: (db: LogDatabase) => void): Promise<void> {
      open();
      const db = connection.forWrite();
      if (db.isSynced()) unsynced = 0;
      const outcome = db.transact(() => work(db), "later");
      if (outcome.is === "unclear") connection.renew();
      if (outcome.is !== "stored") throw fromSqliteError(outcome.error, what);
      if (++unsynced === stepsPerSync) await sync();
    },
    async end(): Promise<void> {
      if (unsynced > 0) await sync();
    },
  };
}
