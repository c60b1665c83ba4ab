import { isLogTrouble, RepriseError } from "../../errors.ts";
import { ownTenant } from "../../event/names.ts";
import { type Draft, draftAppend, makeDraft, recordedAtMsOf } from "./draft.ts";
import type { GroupNeeds, Waiting } from "./group.ts";
import { PageLost } from "./page-lost.ts";
import { fromSqliteError, isSyncFailure } from "./sqlite-error.ts";

/**
 * Answers every append of the group, whatever happens, and none before it is on disk. A single append is synced to disk on this thread, which is fastest,
 * because a caller that waits for each of its appends has nothing else to do. Handlers do other work while a journal is written, so journals are synced off
 * this thread. With several callers, the speed of the disk decides.
 *
 * @returns null when they are answered; else resolves when they are.
 */
export function storeGroup(needs: GroupNeeds, group: readonly Waiting[]): Promise<void> | null {
  const answerAll = () => {
    for (const { answer, resolve, reject } of group)
      if (answer !== null && "appended" in answer) resolve(answer.appended);
      else reject(answer?.refusal);
  };
  // Refused appends fail, too, because they may have been checked against neighbours that are not stored now.
  const failAll = (error: unknown) => {
    const failure = fromSqliteError(error, "Storing an append");
    if (isLogTrouble(failure)) needs.told.fails(failure);
    for (const { reject } of group) reject(failure);
  };
  try {
    checkpoint(needs);
    const draft = makeDraft(needs, group);
    for (const waiting of group) {
      try {
        waiting.answer = { appended: draftAppend(draft, waiting.append) };
      } catch (error) {
        if (error instanceof PageLost) throw error; // the others were checked against this one's place
        const refusal = fromSqliteError(draft.db.explained(error), "Checking an append");
        if (isLogTrouble(refusal)) needs.told.fails(refusal);
        waiting.answer = { refusal };
      }
    }
    if (draft.appends.length > 0) {
      const isOurs = group.every(({ append }) => append.tenant === ownTenant);
      const synced = store(draft, needs, isOurs ? "later" : group.length === 1 ? "now" : needs.syncPlace.next());
      if (synced !== null) return synced.then(answerAll, failAll);
    }
  } catch (error) {
    // The group waits while the log is read for what stood there: once in the life of a damaged log, and else an event with a known id would be stored again.
    if (error instanceof PageLost) return again(needs, group, error).catch(failAll);
    failAll(error);
    return null;
  }
  answerAll();
  return null;
}

async function again(needs: GroupNeeds, group: readonly Waiting[], lost: PageLost): Promise<void> {
  if (!(await lost.explore())) throw lost;
  await storeGroup(needs, group);
}

/**
 * @returns null when it is on disk; else resolves when it is. Positions, heads and readers go on only then.
 * @throws the error of a transaction that left nothing behind; LOG_SYNC_FAILED, LOG_FULL or LOG_UNAVAILABLE when nobody knows what is on the disk.
 */
function store(draft: Draft, needs: GroupNeeds, durable: "now" | "later"): Promise<void> | null {
  const { clock, syncPlace, told } = needs;
  const { db } = draft;
  /** The time of the last event, not the latest time, because the times go on from there after the clock was set back. */
  let lastMs = db.end.lastRecordedAtMs;
  let insertedMs = 0;
  const outcome = db.transact(() => {
    for (const { append, stream, revision, position, previous } of draft.appends) {
      if (stream.id === 0) stream.id = db.insertStream(stream.name, stream.tenant);
      for (let i = 0; i < append.events.length; i++) {
        lastMs = recordedAtMsOf(draft, append, i);
        db.insertEvent(position + i, stream.id, revision + i, i === 0 ? previous : position + i - 1, lastMs, append.events[i]!);
      }
    }
    for (const stream of draft.streams.values()) db.writeHead(stream);
    insertedMs = clock.monotonicMs();
  }, durable);
  if (durable === "now") syncPlace.took(clock.monotonicMs() - insertedMs);
  if (outcome.is === "undone") throw outcome.error;
  if (outcome.is === "unclear") return mustBeStored(draft, needs, outcome.error);
  const conclude = () => {
    for (const { name, id, head, position } of draft.streams.values()) db.rememberHead(name, { id, head, position });
    db.end.lastPosition = draft.nextPosition - 1;
    db.end.lastRecordedAtMs = lastMs;
    told.works();
  };
  if (durable === "later")
    return db.sync().then(conclude, (error: unknown) => {
      mustBeStored(draft, needs, error);
    });
  conclude();
  return null;
}

/**
 * Finds out, after an unclear commit or a failed sync, whether the events are stored. The system's view of the file says nothing about the disk then, so all of
 * it is written again before the log is asked. A transaction is stored whole or not at all, so one of its ids answers the question.
 *
 * @throws `error` when it is not there.
 */
function mustBeStored({ appends }: Draft, { connection, told }: GroupNeeds, error: unknown): null {
  const [{ append, position }] = appends as [Draft["appends"][number]];
  const known = connection.renew().knownEvents([append.events[0]!.event.id]);
  if (!known.some((event) => event.tenant === append.tenant && event.position === position)) throw error;
  told.works();
  return null;
}

/**
 * Acknowledged events stay in the write-ahead log whatever happens here. But when the disk does not sync log.db, nothing can go on. It comes before a group,
 * not after the last one, so that nobody is answered "stored" after the log has told of trouble.
 */
function checkpoint({ connection, told }: GroupNeeds): void {
  if (connection.isInDoubt()) return;
  try {
    connection.use().checkpoint();
    told.tidies(null);
  } catch (error) {
    const failure = fromSqliteError(error, "Bringing the write-ahead log into log.db");
    if (!(failure instanceof RepriseError)) throw error;
    if (!isSyncFailure(error)) {
      told.tidies(failure);
      return;
    }
    try {
      connection.renew();
    } catch (stillFails) {
      told.fails(stillFails instanceof RepriseError ? stillFails : failure);
    }
  }
}
