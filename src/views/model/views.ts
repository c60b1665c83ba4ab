import type { AnyPosition, PositionText as Position } from "../../event/event.ts";
import type { DeadLetterAges, DeadLetterDetails, DeadLetterFigures, DeadLetterList } from "./dead-letter.ts";
import type { DeliveryReads } from "./delivery.ts";
import type { EntityReads } from "./entity.ts";
import type { ErrorGroupReads } from "./error-group.ts";
import type { EscalationReads } from "./escalation.ts";
import type { EventReads } from "./event.ts";
import type { HandlerReads } from "./handler.ts";
import type { HistoryReads } from "./history.ts";
import type { KnownNames } from "./known-names.ts";
import type { HeldLanes, LetterPointers } from "./letters-to-replay.ts";
import type { Rates } from "./rates.ts";
import type { ReplayOutcomes, ReplayReads } from "./replay.ts";
import type { StoredVersions } from "./stored-versions.ts";

/** How far the rows are. Every answer is as of `position()`. */
export interface ViewPosition {
  /** Position of the last event that the rows contain. */
  position(): Position;
  /** Resolves when the rows contain `position`: wait before you read what you wrote. @throws VIEW_BEHIND after `timeoutMs` (default 5000). */
  waitFor(position: AnyPosition, timeoutMs?: number): Promise<void>;
}

/** The read side: the sum of what its makers offer. */
export interface Views
  extends ViewPosition,
    EventReads,
    DeliveryReads,
    EntityReads,
    EscalationReads,
    DeadLetterList,
    DeadLetterDetails,
    DeadLetterFigures,
    DeadLetterAges,
    ErrorGroupReads,
    LetterPointers,
    HeldLanes,
    HistoryReads,
    HandlerReads,
    KnownNames,
    ReplayReads,
    ReplayOutcomes,
    StoredVersions,
    Rates {
  /** Starts a rebuild into a new file beside the old one, which takes its place when it has caught up. A second call joins the first. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}
