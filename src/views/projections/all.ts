import type { AnyProjection } from "../projection.ts";
import { amendments } from "./amendments.ts";
import { archived } from "./archived.ts";
import { deliveries } from "./deliveries.ts";
import { entities } from "./entities.ts";
import { errorGroups } from "./error-groups.ts";
import { escalations } from "./escalations.ts";
import { eventIndex } from "./event-index.ts";
import { handlers } from "./handlers.ts";
import { lanes } from "./lanes.ts";
import { minuteRates } from "./minute-rates.ts";
import { replays } from "./replays.ts";
import { retention } from "./retention.ts";
import { shortened } from "./shortened.ts";

/**
 * All projections, in the order in which they run. The event index reads which event was an entity's last, before `entities` moves that on. Lanes read the
 * rows of deliveries.
 */
export const projections: readonly AnyProjection[] = [
  handlers,
  eventIndex,
  entities,
  errorGroups,
  deliveries,
  escalations,
  amendments,
  lanes,
  replays,
  archived,
  retention,
  shortened,
  minuteRates,
];
