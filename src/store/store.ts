import type { Catalog } from "../catalog/catalog.ts";
import type { ArchiveRuns } from "../retention/runs.ts";
import type { Views } from "../views/model/views.ts";
import type { Appends } from "./append/append.ts";
import type { ArchiveReads } from "./archive-reads.ts";
import type { ClusterActs } from "./cluster.ts";
import type { DeadLetterActs } from "./dead-letter-acts.ts";
import type { ErrorGroupActs } from "./error-groups.ts";
import type { EscalationActs } from "./escalation-acts.ts";
import type { Following } from "./following/following.ts";
import type { Serving } from "./http-side.ts";
import type { IntegrationActs } from "./integrations.ts";
import type { Life } from "./life.ts";
import type { Measured } from "./metrics.ts";
import type { Pauses } from "./pauses.ts";
import type { Reads } from "./read-entity.ts";
import type { ReplayActs } from "./replay-acts.ts";
import type { Requests } from "./requests/requests.ts";
import type { RestoreActs } from "./restore-archived.ts";

/** One Reprise: log, catalog, delivery, views. HTTP and CLI are thin layers on it. Each interface stands beside what makes it. */
export interface StoreCore
  extends Appends,
    Reads,
    ArchiveReads,
    RestoreActs,
    DeadLetterActs,
    EscalationActs,
    ReplayActs,
    Pauses,
    IntegrationActs,
    ErrorGroupActs,
    ClusterActs,
    ArchiveRuns,
    Life,
    Measured {
  readonly catalog: Catalog;
  /** The read side. Its answers are as of `views.position()`. */
  readonly views: Views;
  /** Requests that may come again, each done once: for an edge that is given keys for them. */
  readonly requests: Requests;
  /** Readers that are told what the log gets: for an edge that tells it on. */
  readonly following: Following;
  /** `logId` of the log. */
  readonly logId: string;
}

/** The same with its HTTP side, for a server of the caller's own. */
export interface Store extends StoreCore, Serving {}
