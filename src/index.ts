/** The public API of Reprise. */

export type { Catalog, FailureText, Lifted, LiftStep } from "./catalog/catalog.ts";
export type { DeepReadonly } from "./catalog/deep-readonly.ts";
export {
  type CurrentData,
  type DataOf,
  defineEvent,
  defineUpcasters,
  drop,
  type EventDefinition,
  type EventOf,
  type EventOptions,
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
export { type Config, defineConfig } from "./config/config.ts";
export {
  defineHandler,
  type FunctionHandler,
  type HandlerContext,
  type HandlerDefinition,
  type HandlerOptions,
  type Jitter,
  NotReady,
  type On,
  type RetryOptions,
  Terminal,
  type WebhookHandler,
  webhookHandler,
} from "./delivery/handler.ts";
export type { DeliveryLimits } from "./delivery/limits.ts";
export { type ErrorCode, type ErrorKind, type ErrorPlace, isRepriseError, RepriseError } from "./errors.ts";
export {
  type ContextRef,
  type CurrentEvent,
  comparePositions,
  type Entity,
  type EventMetadata,
  type EventOrigin,
  type GivenEvent as StoredEvent,
  type Json,
  type PositionText as Position,
  type Priority,
} from "./event/event.ts";
export type { ExpectedRevision } from "./log/event-log.ts";
export type { AppendedEvent, AppendOptions, EventInput } from "./store/append/event-input.ts";
export type { ActOptions } from "./store/caller.ts";
export type { AmendResult } from "./store/dead-letter-acts.ts";
export type { LaneActOptions, LaneActResult } from "./store/pauses.ts";
export type { ReadEntityOptions } from "./store/read-entity.ts";
export type { ReplayBatchResult, ReplayResult } from "./store/replay-acts.ts";
export type { Store } from "./store/store.ts";
