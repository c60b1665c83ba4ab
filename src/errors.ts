/**
 * Every expected failure of Reprise: one code, what kind it is, and what to do about it.
 * Each edge maps the kind (HTTP to a status, the CLI to an exit code); docs/errors.md is proved to name the same codes.
 */
export type ErrorKind =
  | "timed_out" // the request took too long to come
  | "headers_too_large"
  | "expectation"
  | "malformed" // the request cannot be read, or asks for something its own words rule out
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "gone" // it was here, and is kept elsewhere now
  | "too_large"
  | "unsupported_media"
  | "unprocessable" // well formed, but the catalog refuses it
  | "rate_limited"
  | "unavailable" // try again; nothing was done
  | "config" // the service cannot start with this
  | "defect"; // ours, or the user's code

export const errorCatalog = {
  JSON_MALFORMED: { kind: "malformed", remedy: "Send one complete JSON document in UTF-8." },
  REQUEST_INVALID: { kind: "malformed", remedy: "Correct the members that `errors` points at; unknown members are refused." },
  MEMBER_REPEATED: { kind: "malformed", remedy: "Send each member of an object once; `errors` points at those that come again." },
  NOT_DEAD_LETTERED: {
    kind: "malformed",
    remedy: "Only a dead-lettered or escalated delivery can be replayed, amended or discarded; read the event to see its status.",
  },
  REQUEST_UNREADABLE: { kind: "malformed", remedy: "Send HTTP/1.1 as RFC 9112 defines it. Usually a proxy or a hand-made request has cut or changed it." },
  HOST_MISSING: { kind: "malformed", remedy: "Send the Host header: the address that the service was called at, as in `Host: 127.0.0.1:4680`." },
  EXPECTATION_FAILED: { kind: "expectation", remedy: "Leave the Expect header out, or send `Expect: 100-continue`." },
  REQUEST_TIMEOUT: { kind: "timed_out", remedy: "Send the whole request within 60 seconds; repeating it is safe, since nothing of it was read." },
  HEADERS_TOO_LARGE: { kind: "headers_too_large", remedy: "Send a path and headers of less than 16 KiB together." },
  KEY_MISSING: { kind: "unauthenticated", remedy: "Send `Authorization: Bearer <key>`." },
  KEY_INVALID: {
    kind: "unauthenticated",
    remedy: "Check that the whole key was sent; if it was, it is unknown, revoked or expired: ask whoever keeps the keys (`reprise keys ls`) for a new one.",
  },
  ROLE_REQUIRED: { kind: "forbidden", remedy: "Use a key with the role that the detail names." },
  TENANT_REQUIRED: { kind: "forbidden", remedy: "This concerns all tenants: use a key of the tenant `*`." },
  SOURCE_REFUSED: { kind: "forbidden", remedy: "Append as one of the sources that the detail names, or use a key that may append as this one." },
  ORIGIN_REFUSED: {
    kind: "forbidden",
    remedy:
      "Without keys Reprise answers only requests made to its loopback address, and acts only for pages of its own; call http://127.0.0.1:<port> directly. The console's session acts for its own page only: a program sends a key.",
  },
  NOT_FOUND: { kind: "not_found", remedy: "Check the id or the path; ids in paths are percent-encoded." },
  METHOD_NOT_ALLOWED: { kind: "method_not_allowed", remedy: "Use a method from the Allow header." },
  REVISION_CONFLICT: { kind: "conflict", remedy: "Read the entity again, decide again, and append with the revision just read." },
  EVENT_ID_REUSED: { kind: "conflict", remedy: "An event id names one event for ever: repeat it only with the same content, or use a new id." },
  HANDLER_AMBIGUOUS: { kind: "conflict", remedy: "Several handlers dead-lettered this event: name one with `handler`." },
  DELIVERY_RUNNING: { kind: "conflict", remedy: "The delivery is running now: wait for its outcome, then decide." },
  LETTER_NOT_FIRST: {
    kind: "conflict",
    remedy: "An earlier dead letter of the entity comes first: replay or discard it, then repeat this; or select both in one batch or plan.",
  },
  ALREADY_DECIDED: {
    kind: "conflict",
    remedy: "The decision stands; `GET /admin/escalations` shows who made it. A dead letter that it left is replayed or discarded as any other.",
  },
  LANE_PAUSED: { kind: "conflict", remedy: "Resume the entity for the handler, then replay: nothing of a paused lane starts." },
  NOT_PAUSED: { kind: "conflict", remedy: "Nothing has to be resumed; `GET /handlers` and `GET /entities/{type}/{id}` show what is paused." },
  NOT_BACKING_OFF: {
    kind: "conflict",
    remedy: "Only a delivery that waits for its next attempt can be tried now or given up; `GET /entities/{type}/{id}` shows the state of each.",
  },
  HANDLER_PRESENT: { kind: "conflict", remedy: "Take the handler out of the config and restart, then retire it; a handler in the config can only be paused." },
  RETENTION_RUNNING: { kind: "conflict", remedy: "One run works at a time: wait for it to end, `GET /archive/runs/{id}` follows it, or end its process." },
  NOTHING_TO_REPAIR: { kind: "conflict", remedy: "The handler's journal is sound; `GET /handlers` says why a handler stands still." },
  REPARTITION_RUNNING: { kind: "conflict", remedy: "One goes on at a time: wait until `GET /handlers` shows the handler at work, then ask again." },
  REPARTITION_REFUSED: { kind: "conflict", remedy: "Let the handler catch up with the log, then ask again; nothing has changed." },
  PLAN_STALE: { kind: "conflict", remedy: "Plan again: what the plan listed has changed." },
  PLAN_USED: { kind: "conflict", remedy: "The plan was started already: follow the replay that the detail names, or plan again." },
  REPLAY_ENDED: { kind: "conflict", remedy: "The replay can no longer be changed: read its report, and plan again for what is left." },
  IDEMPOTENCY_IN_PROGRESS: {
    kind: "conflict",
    remedy: "The first request with this Idempotency-Key is still under way: repeat it in a moment, and get the answer of the first.",
  },
  BODY_TOO_LARGE: { kind: "too_large", remedy: "Send at most 4 MiB a request: fewer events, or a reference in `context_refs` in place of a large payload." },
  APPEND_TOO_LARGE: {
    kind: "too_large",
    remedy: "Events of one entity take at most 960,000 bytes an append: send fewer at once, or keep large content elsewhere and refer to it.",
  },
  MEDIA_TYPE_UNSUPPORTED: {
    kind: "unsupported_media",
    remedy: "Send `content-type: application/json`, or `application/cloudevents+json` for one structured CloudEvent.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: "unprocessable",
    remedy: "An Idempotency-Key belongs to one request for 24 hours: repeat that request unchanged, or send this one with a key of its own.",
  },
  EVENT_TYPE_UNKNOWN: {
    kind: "unprocessable",
    remedy: "Define the type with defineEvent and list it in the config's `events`; GET /schemas shows the known ones.",
  },
  SCHEMA_VERSION_UNKNOWN: { kind: "unprocessable", remedy: "Send a version that GET /schemas lists for the type, or deploy the build that knows it." },
  DATA_INVALID: { kind: "unprocessable", remedy: "Correct the data where `errors` points; GET /schemas/{type}/{version} has the schema." },
  NUMBER_UNSAFE: {
    kind: "unprocessable",
    remedy: "Send the numbers that `errors` points at as strings: integers beyond ±(2^53−1) and more digits than a double holds would be rounded.",
  },
  CALL_CHAIN_BROKEN: { kind: "unprocessable", remedy: "`call_chain` names the agents from the first cause to the writer: its last one must be `source`." },
  UPCAST_FAILED: {
    kind: "unprocessable",
    remedy: "The stored payload cannot be lifted to the current version: correct the upcaster the detail names, restart, and replay again.",
  },
  MIGRATION_FAILED: {
    kind: "unprocessable",
    remedy: "Nothing was changed. Correct the migration that the detail names, or select dead letters of its event type and version.",
  },
  DOWNCAST_FAILED: {
    kind: "unprocessable",
    remedy: "The event type's `downcast` cannot store this payload as the older version: correct it, or remove it when no old build runs any more.",
  },
  LIMIT_REACHED: { kind: "rate_limited", remedy: "End what is not needed any more, or wait as long as Retry-After says: the detail names the limit." },
  RATE_LIMITED: { kind: "rate_limited", remedy: "Wait as long as Retry-After says." },
  LOG_UNAVAILABLE: { kind: "unavailable", remedy: "Repeat with the same event ids: what was stored already is not stored twice." },
  LOG_FULL: { kind: "unavailable", remedy: "The log's disk is full: make room, then repeat with the same event ids. Nothing was lost." },
  LOG_SYNC_FAILED: {
    kind: "unavailable",
    remedy:
      "The disk did not take what was written to the log: repeat with the same event ids once /readyz answers 200. If it stays so, the disk is failing: look at the kernel's log, and move the folder to another disk.",
  },
  OWNER_UNAVAILABLE: { kind: "unavailable", remedy: "Repeat it in a moment: the instance that works on the entity's partition does not answer just now." },
  NOT_OWNER: { kind: "unavailable", remedy: "Another instance works on it: send the act to the one that `owner` names, or wait until this one takes over." },
  VIEW_BEHIND: { kind: "unavailable", remedy: "The views have not reached the position asked for yet: repeat the request." },

  CONFIG_INVALID: { kind: "config", remedy: "Correct the field that the message names." },
  START_FROM_REQUIRED: { kind: "config", remedy: 'Say startFrom: "beginning" or "now" in the handler: the log already holds events.' },
  UPCASTER_MISSING: {
    kind: "config",
    remedy:
      "Add the step to the type's `defineUpcasters`; where each step has a file, that is upcasters/<event-type>/v<n>-to-v<n+1>.ts and a line in the index.ts beside it.",
  },
  UPCASTER_UNEXPECTED: { kind: "config", remedy: "Remove the step: there is no version for it to lead from or to." },
  SCHEMA_LOCK_BROKEN: {
    kind: "config",
    remedy: "Do what each finding says, or start with --allow-unlocked (allowUnlocked: true): stored events may then be read differently from before.",
  },
  SCHEMA_NOT_JSON: { kind: "config", remedy: "Use only what survives JSON: no Date, bigint, transform or codec. Keep times as z.iso.datetime() strings." },
  LOG_IN_USE: { kind: "config", remedy: "One process owns an embedded log: stop the other one, or give this one another folder." },
  LOG_FOREIGN: { kind: "config", remedy: "The file is not a Reprise log: point REPRISE_LOG at another folder. The file was left untouched." },
  LOG_DAMAGED: {
    kind: "config",
    remedy:
      "`reprise log check` names each damaged place. Restore the log's folder from a backup, or copy it and inspect the copy with `sqlite3 log.db .recover`.",
  },
  LOG_NEWER: { kind: "config", remedy: "The log was written by a newer Reprise: run that version or a later one. The file was left untouched." },
  LOG_BEHIND_CHECKPOINT: {
    kind: "config",
    remedy: "The log is older than what was already delivered from it (a restored backup?): point Reprise at the right log.",
  },
  LOG_MISSING: { kind: "config", remedy: "Name a log that exists. This command only reads, so it made none." },
  COPY_UNFINISHED: {
    kind: "config",
    remedy: "Run the same `reprise copy` again until it says that it is complete; or point Reprise at the source, or at a new log.",
  },
  EVENT_ARCHIVED: { kind: "gone", remedy: "Ask again with `as=archived` (`--as archived`): it reads the event back from the segment that the detail names." },
  ARCHIVE_UNAVAILABLE: {
    kind: "unavailable",
    remedy: "Make the folder or bucket reachable and writable, then try again: the log still has all that is not archived.",
  },
  ARCHIVE_DAMAGED: { kind: "defect", remedy: "Run `reprise archive verify`: it names each place. Bring what it names back from a copy." },
  ARCHIVE_FOREIGN: {
    kind: "conflict",
    remedy: "Name the archive of this log; `reprise archive ls` shows whose it is. Only an empty log takes another one's archive.",
  },
  FENCED: {
    kind: "defect",
    remedy: "Another instance took over this handler's journal. On a log server this one waits and takes over by itself when the other is gone.",
  },
  CLOSED: { kind: "defect", remedy: "The store was closed: open it again before using it." },
  INTERNAL: { kind: "defect", remedy: "Report this with the request_id; the service's log has the cause under it." },
  JOURNAL_DAMAGED: {
    kind: "defect",
    remedy:
      "The handler stands still at the place that the message names. Find out who wrote there; then `reprise handlers repair <name> --reason …` skips the place, on record.",
  },
} as const satisfies Record<string, { kind: ErrorKind; remedy: string }>;

export type ErrorCode = keyof typeof errorCatalog;

/** One place in the input, as a JSON pointer into the request (`#/events/0/data/orderId`), and what is wrong there. */
export interface ErrorPlace {
  readonly pointer: string;
  readonly detail: string;
}

const maxPlaces = 100;
/** A pointer holds the names of members, and those are as long as their sender likes. */
const maxPointerLength = 1000;

function clipped({ pointer, detail }: ErrorPlace): ErrorPlace {
  return { pointer: `${pointer.slice(0, maxPointerLength - 1)}…`, detail };
}

export interface ErrorExtras {
  readonly cause?: unknown;
  /** Places in the input, for validation errors. At most 100 are kept. */
  readonly errors?: readonly ErrorPlace[];
  /** Members that this code adds to a problem, in code's names: `{ expected, actual }`, `{ handlers }`, `{ eventIds }`. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** When to try again, for the kinds `unavailable` and `rate_limited`. */
  readonly retryAfterMs?: number;
}

/** An expected failure. `message` says what happened, in one sentence, without payloads or secrets. */
export class RepriseError extends Error {
  override readonly name = "RepriseError";
  readonly code: ErrorCode;
  readonly errors: readonly ErrorPlace[];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.code = code;
    this.errors = (extras.errors ?? []).slice(0, maxPlaces).map((place) => (place.pointer.length <= maxPointerLength ? place : clipped(place)));
    this.fields = extras.fields ?? {};
    this.retryAfterMs = extras.retryAfterMs;
  }

  get kind(): ErrorKind {
    return errorCatalog[this.code].kind;
  }

  get remedy(): string {
    return errorCatalog[this.code].remedy;
  }
}

/** True when the log could not take (or give) something just now: the same again, with the same ids, is safe and may succeed. */
export function isLogTrouble(error: unknown): error is RepriseError {
  return isRepriseError(error, "LOG_UNAVAILABLE", "LOG_FULL", "LOG_SYNC_FAILED");
}

/** True for a RepriseError, of one of `codes` when any are named. */
export function isRepriseError(error: unknown, ...codes: readonly ErrorCode[]): error is RepriseError {
  return error instanceof RepriseError && (codes.length === 0 || codes.includes(error.code));
}

/** The failure of an act of several records, some of which are stored: what is in force is told. @param done a sentence without its full stop. */
export function partlyDone(error: unknown, done: string): unknown {
  if (!isRepriseError(error)) return error;
  const { code, message, errors, fields, retryAfterMs } = error;
  return new RepriseError(code, `${message} ${done}.`, { cause: error, errors, fields, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}
