import type { Catalog } from "../../src/catalog/catalog.ts";
import { RepriseError } from "../../src/errors.ts";
import { systemClock } from "../../src/event/clock.ts";
import { positionText } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import type { Plan } from "../../src/replay/show-plan.ts";
import { takeTyped } from "../../src/store/append/typed.ts";
import type { ArchivedSegment } from "../../src/store/archive-reads.ts";
import type { IntegrationView } from "../../src/store/integrations.ts";
import type { ReplayState } from "../../src/store/replay-answers.ts";
import { makeRequests, type Requests, type RequestsNeeds } from "../../src/store/requests/requests.ts";
import type { StoreCore } from "../../src/store/store.ts";
import type { DeadLetterDetail } from "../../src/views/model/dead-letter.ts";
import type { EntityView } from "../../src/views/model/entity.ts";
import type { ErrorGroupView } from "../../src/views/model/error-group.ts";
import type { EscalationView } from "../../src/views/model/escalation.ts";
import type { EventView } from "../../src/views/model/event.ts";
import type { HandlerView } from "../../src/views/model/handler.ts";
import type { ReplayView } from "../../src/views/model/replay.ts";
import type { Views } from "../../src/views/model/views.ts";
import { anArchiveRun, archiveRunId } from "./fake-archive-run.ts";

export const eventId = "018f2b2e-7c4a-7d3b-8a1e-0123456789ab";
export const deliveryId = "5b6f0a3e-2a41-5c0e-9a57-6d1d3a0c7b42";
export const replayId = "018f2b2e-9999-7d3b-8a1e-0123456789ab";
const at = "2026-01-31T12:00:00.000Z";

/** Answers every question for events with these. */
export function pageOf(events: readonly EventView[], nextCursor: string | null = null): Views["events"] {
  return (async (_filter: unknown, _page: unknown, show = (view: EventView): object => view) => ({ events: events.map(show), nextCursor })) as Views["events"];
}

/** An event that has left the log. */
export const archivedId = "018f2b2e-aaaa-7d3b-8a1e-0123456789ab";
const segmentView: ArchivedSegment = {
  ...{ name: "00000000000000000007-0123456789abcdef01234567", sha256: "0".repeat(64), bytes: 812, events: 3 },
  ...{ firstPosition: "7", lastPosition: "9", previousSha256: null, archive: "file:/srv/archive" },
};

export const eventView: EventView = {
  id: eventId,
  type: "order.placed",
  entity: { type: "order", id: "o-1" },
  tenant: "default",
  revision: 0,
  position: "7",
  source: "intake",
  occurredAt: at,
  recordedAt: at,
  priority: "normal",
  correlationId: null,
  causationId: null,
  traceparent: null,
  callChain: ["web", "intake"],
  contextRefs: [{ kind: "doc", ref: "https://example.com/a" }],
  extensions: { camelCase: "kept" },
  schemaVersion: 2,
  data: { orderId: "o-1", totalCents: 995 },
  dataError: null,
  parts: null,
  dropped: null,
  stored: { type: "order.placed", schemaVersion: 1, data: { orderId: "o-1", total: 9.95 } },
  deliveries: [
    {
      deliveryId,
      handler: "mail",
      status: "dead_lettered",
      attempts: 3,
      retryCount: 3,
      error: { type: "Error", message: "mail server down" },
      nextAttemptAt: null,
      processedAt: null,
      replayId: null,
      history: [
        {
          attempt: 3,
          startedAt: at,
          durationMs: 12,
          outcome: "failed",
          class: "transient",
          error: { type: "Error", message: "mail server down", stack: "Error: mail server down\n    at send" },
          httpStatus: 500,
        },
      ],
      amendments: [],
      acts: [],
      effects: [],
    },
  ],
};

export const errorGroup: ErrorGroupView = {
  fingerprint: "v1:0123456789abcdef",
  tenant: "default",
  handler: "mail",
  class: "transient",
  type: "Error",
  message: "mail server <*> down",
  example: eventId,
  count: 3,
  waiting: 1,
  entities: 2,
  eventTypes: ["order.placed"],
  schemaVersions: [1, 2],
  builds: ["1.4.2"],
  leftOut: { eventTypes: 0, schemaVersions: 0, builds: 4 },
  firstSeen: at,
  lastSeen: at,
  state: "open",
  stateBy: null,
  stateReason: null,
  stateAt: null,
  ignoredUntil: null,
  fixedIn: null,
};

export const deadLetter: DeadLetterDetail = {
  id: eventId,
  deliveryId,
  handler: "mail",
  tenant: "default",
  stream: "default.order-o-1",
  position: "7",
  entity: { type: "order", id: "o-1" },
  eventType: "order.placed",
  source: "intake",
  revision: 0,
  schemaVersion: 2,
  storedSchemaVersion: 1,
  data: { orderId: "o-1", totalCents: 995 },
  dataError: null,
  amendedAt: null,
  part: null,
  parts: null,
  dropped: null,
  status: "dead_lettered",
  cause: "exhausted",
  error: { type: "Error", message: "mail server down" },
  fingerprint: "v1:0123456789abcdef",
  attempts: 3,
  retryCount: 3,
  waiting: 2,
  replayId: null,
  createdAt: at,
  firstFailedAt: at,
  deadLetteredAt: at,
  stored: eventView.stored,
  amendment: null,
  amendments: [],
  acts: [],
  steps: [{ from: 1, to: 2, type: "order.placed", data: { orderId: "o-1", totalCents: 995 }, error: null }],
  waitingEvents: [{ id: eventId, type: "order.paid", revision: 1, recordedAt: at }],
  history: eventView.deliveries[0]!.history,
};

const amendment = { at, actor: "local", reason: "typo", migration: null, replayId: null } as const;
export const amendedLetter: DeadLetterDetail = {
  ...deadLetter,
  data: { orderId: "o-1", totalCents: 999 },
  amendedAt: at,
  amendment: {
    ...amendment,
    data: { orderId: "o-1", total: 9.99 },
    changes: [{ op: "replace", pointer: "#/total", before: 9.95, after: 9.99 }],
    changesTotal: 1,
  },
  amendments: [amendment],
};

export const entityView: EntityView = {
  entity: { type: "order", id: "o-1" },
  tenant: "default",
  revision: 2,
  lastEventAt: at,
  archived: null,
  handlers: [
    {
      handler: "mail",
      laneState: "blocked",
      why: "behind a dead letter",
      nextRevision: 1,
      waiting: 3,
      head: { eventId, revision: 0, status: "dead_lettered", error: { type: "Error", message: "mail server down" }, nextAttemptAt: null },
    },
  ],
};

const handlerView: HandlerView = {
  name: "mail",
  ordering: "strict",
  state: "running",
  why: null,
  fault: null,
  archived: { done: 0, missed: 0 },
  wanted: 10,
  done: 7,
  waiting: 3,
  lagEvents: 0,
  lagSeconds: 0,
  byStatus: { pending: 0, processing: 0, completed: 7, failed: 0, dead_lettered: 1, held: 2, escalated: 0, replayed: 0, discarded: 0, skipped: 0 },
  lanes: { flowing: 4, backing_off: 0, blocked: 1, paused: 0, behind: 0, stuck: 0 },
};

export const replayView: ReplayView = {
  replayId,
  tenant: "default",
  planId: null,
  kind: "batch",
  status: "completed",
  reason: "mail is back",
  actor: "local",
  total: 2,
  succeeded: 2,
  failed: 0,
  skipped: 0,
  remaining: 0,
  createdAt: at,
  startedAt: at,
  endedAt: at,
  ratePerSecond: null,
  skips: [],
  mode: "run",
  effects: "once",
  canary: null,
  stopWhen: null,
  targetHandler: null,
  why: null,
  newSince: null,
  cutoff: null,
};

const replayState: ReplayState = { ...replayView, followers: 0, releasesLeft: 0, secondsLeft: 0 };

export const planId = "018f2b2e-8888-7d3b-8a1e-0123456789ab";
export const plan: Plan = {
  planId,
  tenant: "default",
  actor: "local",
  selection: { kind: "dead_letters", filter: { handler: "mail" } },
  targetHandler: null,
  cutoff: "9",
  madeAt: at,
  expiresAt: at,
  deliveries: 1,
  deadLetters: 2,
  releases: 2,
  entities: 1,
  byHandler: [{ handler: "mail", deliveries: 1, entities: 1 }],
  byError: [{ error: "Error: mail server down", count: 1 }],
  ineligible: [],
  invalid: [{ eventId, step: "order.placed v1 → v2", error: { type: "SchemaInvalid", message: "data: is no text" } }],
  invalidTotal: 1,
  ratePerSecond: 10,
  estimatedSeconds: 1,
  chains: {},
  samples: [
    {
      eventId,
      stored: { type: "order.placed", schemaVersion: 1, data: { total: 9.95 } },
      current: { type: "order.placed", schemaVersion: 2, data: { totalCents: 995 } },
      parts: null,
      dropped: null,
      steps: [{ from: 1, to: 2, type: "order.placed", data: { totalCents: 995 }, error: null }],
    },
  ],
  used: null,
};

const catalog: Catalog = {
  types: ["order.placed"],
  fingerprint: "0123456789abcdef",
  resolve: (type) => (type === "order.placed" || type === "order.created" ? "order.placed" : undefined),
  describe: (type) => (type === "order.placed" ? { type, versions: [1, 2], current: 2, formerly: ["order.created"] } : undefined),
  validate: () => {},
  toStore: (event) => event,
  asOnceStored: (event) => event,
  current: () => {
    throw new Error("not of this fake");
  },
  steps: () => [],
  candidates: (types) => types,
  chainFingerprint: () => "0123456789abcdef",
  jsonSchema: (type, version) =>
    type === "order.placed" && version <= 2 ? { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" } : undefined,
};

export const escalationView: EscalationView = {
  ...{ deliveryId, eventId, handler: "mail", tenant: "default", stream: "default.order-o-1", entity: { type: "order", id: "o-1" }, revision: 0 },
  ...{ eventType: "order.placed", part: null, why: "a refund over 100", when: "before", status: "open", createdAt: at, dueAt: at },
  ...{ decidedAt: null, decidedBy: null, reason: null, data: { totalCents: 20_000 }, dataError: null },
};
const decidedEscalation = (status: "approved" | "rejected"): EscalationView => ({
  ...escalationView,
  status,
  decidedAt: at,
  decidedBy: "anna",
  reason: "seen",
});

export const integrationView: IntegrationView = {
  ...{ name: "bank", state: "open", since: at, until: at, gatedUntil: null, failures: 5, waiting: 2, handlers: ["mail"] },
};

/** A call that the server made: the method's name (`views.events`) and what it was given. */
export interface Call {
  readonly method: string;
  readonly args: readonly unknown[];
}

export interface FakeStore extends StoreCore {
  readonly calls: readonly Call[];
  /** Arguments of the last call of a method. */
  last(method: string): readonly unknown[];
}

/** A store that answers with canned rows and remembers what it was asked. `store` and `views` replace single answers. */
export function makeFakeStore(replace: { readonly store?: Partial<StoreCore>; readonly views?: Partial<Views> } = {}): FakeStore {
  const calls: Call[] = [];
  const views: Views = {
    position: () => "9",
    waitFor: async (position) => {
      if (BigInt(position) > 9n) throw new RepriseError("VIEW_BEHIND", "The views have not reached the position.", { retryAfterMs: 1500 });
    },
    event: async (_tenant, id) => (id === eventId ? eventView : undefined),
    present: (events) => events.map(() => eventView),
    locate: () => [],
    events: pageOf([eventView], "next"),
    entity: async (_tenant, { id }) => (id === "o-1" ? entityView : undefined),
    escalations: async () => ({ escalations: [escalationView], nextCursor: null }),
    escalation: async (_tenant, id) => (id === deliveryId ? escalationView : undefined),
    openEscalations: async () => [{ tenant: "default", handler: "mail", open: 1 }],
    dueEscalations: async () => [escalationView],
    entities: (async (_filter: unknown, _page: unknown, show = (view: EntityView): object => view) => ({
      entities: [show(entityView)],
      nextCursor: null,
    })) as Views["entities"],
    deadLetters: async () => ({ events: [deadLetter], total: 1, nextCursor: null }),
    errorGroups: async () => ({ groups: [errorGroup], nextCursor: "next" }),
    findErrorGroups: async (_tenant, fingerprint) => (fingerprint === errorGroup.fingerprint ? [errorGroup] : []),
    errorGroup: async () => ({ ...errorGroup, histogram: [{ at, count: 2 }], before: 1, letters: [deadLetter] }),
    findDeadLetters: async (_tenant, id) => (id === eventId || id === deliveryId ? [deadLetter] : []),
    oldestDeadLetters: async () => [],
    oldestLetterAt: async () => null,
    deadLetterStats: async () => ({
      total: 1,
      waiting: 2,
      oldestAt: at,
      byEventType: [{ eventType: "order.placed", count: 1 }],
      byHandler: [{ handler: "mail", count: 1 }],
      bySource: [{ source: null, count: 1 }],
      topErrors: [{ error: "Error: mail server down", count: 1 }],
      leftOut: { errors: { kinds: 0, count: 0 }, sources: { kinds: 0, count: 0 } },
    }),
    deadLetterAges: async () => [{ handler: "mail", letters: 1, oldestAt: at }],
    deliveriesOf: async () => eventView.deliveries,
    handlers: async () => [handlerView],
    replay: async (_tenant, id) => (id === replayId ? replayView : undefined),
    replays: async () => ({ replays: [replayView], nextCursor: null }),
    ownOutcomes: async () => [],
    deadLettersOf: async () => ({ letters: [], notDeadLettered: 0, unknown: 0 }),
    heldLanes: async () => [],
    history: async () => [],
    deadLettersSince: async () => 0,
    replayOutcomes: async () => new Map(),
    replayOutcome: async () => undefined,
    openReplays: async () => [],
    recordedDelivery: async () => undefined,
    unknownName: () => null,
    storedVersions: () => [],
    lastHour: () => [],
    rebuild: async () => {},
    close: async () => {},
    ...replace.views,
  };
  const { requests = makeFakeRequests(), ...methods } = replace.store ?? {};
  const store: Omit<StoreCore, "views" | "catalog" | "logId" | "requests" | "metrics" | "following"> = {
    beginArchiveRun: async (options) => anArchiveRun(options?.dryRun ?? false),
    archiveRun: async (id) => (id === archiveRunId ? anArchiveRun(false) : null),
    giveUp: async (id) => ({ deliveryId: id, eventId, handler: "mail", position: "22" }),
    approveEscalation: async () => ({ escalation: decidedEscalation("approved"), position: "26" }),
    rejectEscalation: async () => ({ escalation: decidedEscalation("rejected"), position: "27" }),
    repartitionHandler: async () => ({ state: "repartitioned", partitions: 4, before: 1, position: "24" }),
    retireHandler: async () => ({ discarded: 3, position: "23" }),
    append: takeTyped(async (events) =>
      [events].flat().map((event, index) => ({
        id: event.id ?? eventId,
        entity: event.entity,
        revision: index,
        position: positionText(10n + BigInt(index)),
        recordedAt: at,
        duplicate: false,
      })),
    ),
    readEntity: async ({ id }) =>
      id === "o-1" ? { events: [eventView], nextFrom: 1, revision: 2, archived: null } : { events: [], nextFrom: null, revision: -1, archived: null },
    archivedEvent: async (_tenant, id) => (id === archivedId ? { event: { ...eventView, id }, segment: segmentView.name, restored: false } : undefined),
    restoreArchived: async () => ({ how: "beside", streams: 1, events: 3, present: 0, position: "31" }),
    archivedSegments: async () => ({ segments: [segmentView], nextCursor: null }),
    start: async () => {},
    notReady: () => null,
    warnings: () => [],
    probe: async () => {},
    drain: () => {},
    cluster: () => ({
      ...{ instance: "web-1.00c0ffee", generation: 3 },
      members: [{ instance: "web-1.00c0ffee", build: "1.4.2", catalog: "c0ffee", since: at, state: "active" }],
      partitions: [
        { handler: "mail", partition: 0, owner: "web-1.00c0ffee", epoch: 7, state: "owned", fault: null },
        { handler: "mail", partition: 1, owner: null, epoch: null, state: "unowned", fault: null },
      ],
    }),
    drainInstance: async () => {},
    close: async () => {},
    replay: async () => ({ status: "replayed", replayId, deliveryId, originalEventId: eventId, error: null, position: "12" }),
    replayBatch: async () => ({ replayId, total: 2, succeeded: 2, failed: 0, skipped: 0, skips: [], remaining: 0, position: "14" }),
    pauseHandler: async () => "17",
    integrations: async () => [integrationView],
    isolateIntegration: async () => "24",
    resetIntegration: async () => "25",
    resolveErrorGroup: async (fingerprint) => ({ fingerprint, handler: "mail", state: "resolved", position: "26" }),
    ignoreErrorGroup: async (fingerprint) => ({ fingerprint, handler: "mail", state: "ignored", position: "27" }),
    reopenErrorGroup: async (fingerprint) => ({ fingerprint, handler: "mail", state: "open", position: "28" }),
    repairHandler: async () => ({ position: "17", skipped: 1 }),
    resumeHandler: async () => "18",
    pauseEntity: async () => ({ handlers: ["mail", "ledger"], position: "19" }),
    resumeEntity: async () => ({ handlers: ["mail"], position: "20" }),
    retryEntity: async () => ({ handlers: ["mail"], position: "21" }),
    amend: async () => ({ entry: amendedLetter, position: "13" }),
    discard: async () => ({ entry: deadLetter, position: "15" }),
    rebuildViews: async () => "16",
    planReplay: async () => plan,
    replayPlan: async () => plan,
    startReplay: async () => ({ replayId, status: "running", total: 1, position: "8" }),
    replayState: async (id) => {
      const view = await views.replay("default", id);
      return view && { ...replayState, ...view };
    },
    replayStates: async () => ({ replays: [replayState], nextCursor: "next" }),
    replayReport: async () => ({
      items: [
        {
          eventId,
          handler: "mail",
          entity: { type: "order", id: "o-1" },
          revision: 0,
          position: "7",
          outcome: "failed",
          attempts: 1,
          error: { type: "Error", message: "mail server down" },
          effects: [],
          appends: [],
          differences: [{ path: "/totalCents", before: undefined, after: 995 }],
        },
      ],
      nextCursor: null,
    }),
    actOnReplay: async (_id, verb) => ({ replayId, status: verb === "pause" ? "paused" : verb === "resume" ? "running" : "cancelled", position: "18" }),
    setReplayRate: async () => ({ replayId, status: "running", position: "19" }),
    discardBatch: async () => ({ total: 2, discarded: 1, skipped: 1, remaining: 3, position: "20" }),
    ...methods,
  };
  return {
    ...recorded(store, "", calls),
    requests,
    catalog,
    following: {
      follow: async () => {
        throw new RepriseError("LIMIT_REACHED", "100 readers follow the log already.");
      },
    },
    metrics: {
      page: async (format) => ({
        contentType: format === "text" ? "text/plain; version=0.0.4" : "application/openmetrics-text; version=1.0.0",
        text: "up 1\n",
      }),
      answered() {},
    },
    logId: "018f2b2e-0000-7d3b-8a1e-0123456789ab",
    views: recorded(views, "views.", calls),
    calls,
    last(method) {
      const call = calls.findLast((made) => made.method === method);
      if (call === undefined) throw new Error(`${method} was not called`);
      return call.args;
    },
  };
}

/** Requests on a log in memory. */
export function makeFakeRequests(log: EventLog = openMemoryLog(), more: Partial<RequestsNeeds> = {}): Requests {
  const life = newId();
  const unkept = (error: unknown) => Promise.reject(error);
  const { signal } = new AbortController();
  return makeRequests({
    log,
    clock: systemClock,
    newId,
    life,
    others: { isGone: async () => true },
    onUnkept: unkept,
    onFirst: async () => {},
    signal,
    ...more,
  });
}

/** What a request with an Idempotency-Key adds to its caller has tests of its own; the command line sends each act so. */
function withoutOnce(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("once" in value)) return value;
  const { once: _once, ...rest } = value;
  return rest;
}

function recorded<T extends object>(target: T, prefix: string, calls: Call[]): T {
  return Object.fromEntries(
    Object.entries(target).map(([name, method]) => [
      name,
      (...args: unknown[]): unknown => {
        calls.push({ method: prefix + name, args: args.map(withoutOnce) });
        return (method as (...args: unknown[]) => unknown)(...args);
      },
    ]),
  ) as T;
}
