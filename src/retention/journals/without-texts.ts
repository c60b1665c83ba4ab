/** What stays of an entry about a delivery that was over: what happened, when, and who decided; no text of an attempt. Pure. */
import type { Json } from "../../event/event.ts";
import type { AttemptError, AttemptRecord } from "../../records/attempt.ts";
import { commonMessage, type Failure } from "../../records/fingerprint/fingerprint.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";

type EntryOf<Type extends JournalEvent["type"]> = { readonly type: Type; readonly data: JournalData[Type] };

/** The group of the failure shows its common message for as long as it is there. */
function errorOf(error: AttemptError, failure: Failure): AttemptError {
  return { type: error.type, message: commonMessage({ ...failure, error }), common: true };
}

/** What counts and groups the call. Its times, stack, answer and log lines went. */
export function bareRecord({ attempt, outcome, class: kind, error, fingerprint, httpStatus, responseHead, replayId, actor }: AttemptRecord): AttemptRecord {
  const failure: Failure = { class: kind, error, ...(httpStatus === undefined ? {} : { httpStatus }), ...(responseHead === undefined ? {} : { responseHead }) };
  return {
    ...{ attempt, startedAt: "", durationMs: 0, outcome, class: kind, error: error && errorOf(error, failure) },
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(replayId === undefined ? {} : { replayId }),
    ...(actor === undefined ? {} : { actor }),
  };
}

const bareOrNull = (record: AttemptRecord | null): AttemptRecord | null => record && bareRecord(record);

/** Of a dead letter: its error is that of its last call, where that has none of its own. */
function bareLetter({ data, ...entry }: EntryOf<"delivery.dead_lettered">): EntryOf<"delivery.dead_lettered"> {
  const {
    record,
    escalated,
    escalation,
    error: { type, message },
  } = data;
  // The question that a person was asked stays, with its answer. The first builds had it in the error only.
  const isQuestion = escalated && escalation === undefined;
  const error = isQuestion ? { type, message } : errorOf(data.error, { ...(record ?? { class: null }), error: data.error });
  return { ...entry, data: { ...data, error, record: bareOrNull(record) } };
}

/** @param entry about one delivery, which was over. */
export function withoutTexts(entry: JournalEvent): JournalEvent {
  switch (entry.type) {
    case "delivery.failed":
    case "delivery.deferred":
    case "delivery.part_completed":
      return { ...entry, data: { ...entry.data, record: bareRecord(entry.data.record) } } as JournalEvent;
    case "delivery.dead_lettered":
      return bareLetter(entry);
    case "delivery.settled":
      return { ...entry, data: { ...entry.data, record: bareOrNull(entry.data.record) } };
    default:
      return entry;
  }
}

/** An amendment without its data: it is needed no more, as those in force stay in the journal. */
export function withoutData(entry: EntryOf<"delivery.amended">): EntryOf<"delivery.amended"> {
  return { ...entry, data: { ...entry.data, data: null as Json } };
}
