/** The public API of Reprise. It exports every type that its declarations name, so that users can name them, too. */

export type { AlertDefinition, AlertKind } from "./alerts/alert-definition.ts";
export type { Catalog, FailureText, Lifted, LiftStep } from "./catalog/catalog.ts";
export type { DeepReadonly } from "./catalog/deep-readonly.ts";
export {
  type CurrentData,
  type DataOf,
  type Downcast,
  defineEvent,
  defineUpcasters,
  drop,
  type EventDefinition,
  type EventOf,
  type EventOptions,
  type GivenData,
  part,
  type Schemas,
  split,
  type Upcaster,
  type UpcasterChain,
  type Upcasters,
} from "./catalog/define.ts";
export type { Dropped, Part, Split } from "./catalog/lift/step-result.ts";
export { defineMigration, type MigrationDefinition, type StoredData } from "./catalog/migration.ts";
export { type OpenOptions, openStore } from "./compose.ts";
export { type Config, defineConfig, type TypedConfig } from "./config/config.ts";
export type { LockOptions } from "./config/held-to-lock.ts";
export { type Preset, presets } from "./config/presets.ts";
export type { DeliveryLogger } from "./delivery/delivery-logger.ts";
export {
  type AnyHandle,
  defineHandler,
  Escalate,
  type EscalateRule,
  type EscalationOptions,
  type FunctionHandler,
  type HandlerDefinition,
  type HandlerOptions,
  type Jitter,
  NotReady,
  type On,
  type OnExhausted,
  type PresetName,
  RetryAfter,
  type RetryOptions,
  Skipped,
  skip,
  Terminal,
  type WebhookEvents,
  type WebhookHandler,
  webhookHandler,
} from "./delivery/handler.ts";
export type { FollowUpOptions, HandlerContext } from "./delivery/handler-context.ts";
export { type BreakerOptions, defineIntegration, type IntegrationDefinition } from "./delivery/integration-definition.ts";
export type { BreakerState } from "./delivery/integrations/breaker.ts";
export type { ShownIntegration } from "./delivery/integrations/integrations.ts";
export type { DeliveryLimits } from "./delivery/limits.ts";
export type { ClusterView, ShownMember, ShownPartition } from "./delivery/ownership/cluster/show-cluster.ts";
export { type ErrorCode, type ErrorExtras, type ErrorKind, type ErrorPlace, isRepriseError, RepriseError } from "./errors.ts";
export type { AppendedEvent } from "./event/appended-event.ts";
export type { Change } from "./event/changes.ts";
export type { Clock } from "./event/clock.ts";
export {
  type AnyPosition,
  type ContextRef,
  type CurrentEvent,
  comparePositions,
  type Entity,
  type EventDamage,
  type EventMetadata,
  type EventOrigin,
  type GivenEvent as StoredEvent,
  type Json,
  type NewEvent,
  type Position as LogPosition,
  type PositionText as Position,
  type Priority,
  type StoredEvent as LoggedEvent,
} from "./event/event.ts";
export type { AppendedEvent as LoggedAppend, ExpectedRevision } from "./log/event-log.ts";
export type { Act } from "./records/act.ts";
export type { AskedAppend, AttemptClass, AttemptError, AttemptRecord, DeadLetterCause } from "./records/attempt.ts";
export type { ErrorGroupState } from "./records/error-groups.ts";
export type { Escalation, OnDue } from "./records/escalation.ts";
export type { PlanFindings, ReplaySelection } from "./records/plan.ts";
export type { AskedTerms, OwnOutcome, ReplayKind, ReplayTerms } from "./records/replay.ts";
export type { ReplayVerb } from "./replay/act-on-job.ts";
export type { JobFigures } from "./replay/job-figures.ts";
export type { Sample } from "./replay/lift.ts";
export type { Difference, ReportItem } from "./replay/report.ts";
export type { HistorySelection, Selection } from "./replay/selection.ts";
export type { Plan } from "./replay/show-plan.ts";
export type { HeldBack, RuleFindings } from "./retention/findings.ts";
export type { Hold } from "./retention/hold.ts";
export type { ArchiveCredentials, RetentionDefinition, RetentionDefinitions, RetentionPace, S3Credentials } from "./retention/retention-rule.ts";
export type { ArchiveRun } from "./retention/run-report.ts";
export type { ArchiveRunOptions, ArchiveRuns } from "./retention/runs.ts";
export type { Append, Appends } from "./store/append/append.ts";
export type { AppendOptions, EventInput } from "./store/append/event-input.ts";
export { type EventMembers, event, type TypedAppendOptions } from "./store/append/typed.ts";
export type { ArchivedEventView, ArchivedSegment, ArchiveReads } from "./store/archive-reads.ts";
export type { ActOptions, CallerOptions, FinalActOptions, OnceOnly } from "./store/caller.ts";
export type { ClusterActs } from "./store/cluster.ts";
export type {
  AmendOptions,
  AmendResult,
  DeadLetterActs,
  DiscardBatchOptions,
  DiscardBatchResult,
  DiscardOptions,
  DiscardResult,
  Resolution,
} from "./store/dead-letter-acts.ts";
export type { ErrorGroupActed, ErrorGroupActOptions, ErrorGroupActs } from "./store/error-groups.ts";
export type { EscalationActs, EscalationDecided } from "./store/escalation-acts.ts";
export type { Followed, Following, FollowOptions } from "./store/following/following.ts";
export type { FollowEnd, ReaderOptions, Sink as FollowSink } from "./store/following/reader.ts";
export type { Place as FollowPlace, Told, ToldDelivery, ToldEvent } from "./store/following/told.ts";
export type { Wanted } from "./store/following/wanted.ts";
export type { GivenUp } from "./store/give-up.ts";
export type { HttpOptions, HttpSide, Serving } from "./store/http-side.ts";
export type { IntegrationActs, IntegrationView } from "./store/integrations.ts";
export type { Life } from "./store/life.ts";
export type { AnsweredRequest, Measured, Metrics, MetricsFormat } from "./store/metrics.ts";
export type { LaneActOptions, LaneActResult, Pauses, RepairResult } from "./store/pauses.ts";
export type { EntityPage, ReadEntityOptions, Reads } from "./store/read-entity.ts";
export type { LeftLog } from "./store/read-whole.ts";
export type { RepartitionResult } from "./store/repartition.ts";
export type { ReplayActs } from "./store/replay-acts.ts";
export type {
  PlanOptions,
  ReplayActed,
  ReplayBatchOptions,
  ReplayBatchResult,
  ReplayOptions,
  ReplayPageOptions,
  ReplayReport,
  ReplayResult,
  ReplayStarted,
  ReplayState,
  ReplayStates,
  StartReplayOptions,
  SteerOptions,
} from "./store/replay-answers.ts";
export type { AskedRequest } from "./store/requests/claim.ts";
export type { KeptAnswer } from "./store/requests/request-log.ts";
export type { BegunRequest, Requests } from "./store/requests/requests.ts";
export type { RestoreActs, RestoreResult } from "./store/restore-archived.ts";
export type { Retired } from "./store/retire.ts";
export type { Store, StoreCore } from "./store/store.ts";
export type { AmendmentAct, AmendmentView } from "./views/model/amendment.ts";
export type {
  DeadLetterAges,
  DeadLetterDetail,
  DeadLetterDetails,
  DeadLetterFigures,
  DeadLetterFilter,
  DeadLetterList,
  DeadLetterStats,
  DeadLetterView,
  LeftOut,
} from "./views/model/dead-letter.ts";
export type { DeliveryReads, DeliveryStatus, DeliveryView, EffectView, RecordedDelivery } from "./views/model/delivery.ts";
export type { DeliveryAct } from "./views/model/delivery-act.ts";
export type { EntityFilterOptions, EntityReads, EntityView, LaneView, ShownLaneState } from "./views/model/entity.ts";
export type { ErrorGroupDetail, ErrorGroupFilter, ErrorGroupReads, ErrorGroupView } from "./views/model/error-group.ts";
export type { EscalationFilter, EscalationPointer, EscalationReads, EscalationStatus, EscalationView } from "./views/model/escalation.ts";
export type { EventFilterOptions, EventReads, EventView, LiftedView, PartView } from "./views/model/event.ts";
export type { HandlerReads, HandlerState, HandlerView } from "./views/model/handler.ts";
export type { HistoryFilter, HistoryPointer, HistoryReads } from "./views/model/history.ts";
export type { KnownNames } from "./views/model/known-names.ts";
export type { HeldLane, HeldLanes, LetterPointer, LetterPointers } from "./views/model/letters-to-replay.ts";
export type { PageOptions } from "./views/model/page.ts";
export type { MinuteRates, Rates } from "./views/model/rates.ts";
export type { ReplayOutcomes, ReplayReads, ReplayStatus, ReplayView } from "./views/model/replay.ts";
export type { StoredVersion, StoredVersions } from "./views/model/stored-versions.ts";
export type { ViewPosition, Views } from "./views/model/views.ts";
