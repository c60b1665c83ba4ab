/** All alerts of one process: looked at in turn, beside the deliveries, and never in their way. */
import { dirname, join } from "node:path";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import type { AnyPosition } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { pause, within } from "../event/waits.ts";
import type { EventLog } from "../log/event-log.ts";
import { Alert } from "./alert.ts";
import { recordInFile } from "./alert-file.ts";
import { makeAlertPost } from "./alert-post.ts";
import { recordInLog } from "./alert-record.ts";
import type { AlertSpec } from "./alert-spec.ts";
import { type MeasureNeeds, makeMeasures } from "./measures.ts";

export interface AlertsOptions extends Omit<MeasureNeeds, "log" | "views"> {
  readonly specs: readonly AlertSpec[];
  readonly log: EventLog;
  readonly views: MeasureNeeds["views"] & { waitFor(position: AnyPosition, timeoutMs?: number): Promise<void> };
  readonly newId: NewId;
  /** Where the rows of the views are; `:memory:`: nowhere. */
  readonly viewsFile: string;
  /** Default: signed webhooks. */
  readonly postOf?: typeof makeAlertPost;
  readonly logger: DeliveryLogger;
}

export interface Alerts {
  start(): void;
  /** Takes nothing new; what is being told has a second. */
  stop(): Promise<void>;
  /** Which receivers cannot be told, a sentence each. */
  warnings(): readonly string[];
}

const everyMs = 2000;
const longestMs = 60_000;
/** After a look the process does other things for so many times as long: what is measured in a large log takes its time. */
const restFactor = 19;
const caughtUpWithinMs = 5000;
const stopsWithinMs = 1000;
const file = "alerts.json";

/** @throws CONFIG_INVALID for a secret or a header that cannot be used. */
export function makeAlerts(options: AlertsOptions): Alerts {
  const { specs, log, views, clock, newId, viewsFile, logger, postOf = makeAlertPost } = options;
  const leaving = new AbortController();
  const cutting = new AbortController();
  const measures = makeMeasures(options);
  const path = viewsFile === ":memory:" ? null : join(dirname(viewsFile), file);
  const life = newId();
  const posts = specs.map((spec) => postOf(spec.name, spec.definition, clock));
  const alerts = specs.map(
    (spec, index) =>
      new Alert({
        ...{ spec, clock, newId, life, signal: leaving.signal, cut: cutting.signal, measure: measures[spec.when], post: posts[index]! },
        isElsewhere: (subject) => options.delivery.instanceWith(subject) !== null,
        record: spec.when === "log_down" ? recordInFile(spec.name, path) : recordInLog(spec.name, { log, newId }),
        onTrouble: (why) => logger.warn({ alert: spec.name, why }, "an alert could not be told; tried again"),
      }),
  );
  let caughtUp = false;
  let running: Promise<unknown> = Promise.resolve();

  /** Rows that are still being filled say that there are no dead letters. */
  async function hasCaughtUp(): Promise<boolean> {
    try {
      caughtUp ||= await views.waitFor(await log.head(), caughtUpWithinMs).then(() => true);
    } catch {
      // looked at again in the next round
    }
    return caughtUp;
  }

  async function lookAt(round: readonly Alert[]): Promise<void> {
    for (const alert of round) {
      if (leaving.signal.aborted) return;
      await alert.look().catch((err: unknown) => logger.warn({ alert: alert.spec.name, err }, "an alert could not be looked at; tried again"));
    }
  }

  async function run(round: readonly Alert[], mayLook: () => Promise<boolean>): Promise<void> {
    while (round.length > 0 && !leaving.signal.aborted) {
      const startedMs = clock.monotonicMs();
      if (await mayLook()) await lookAt(round);
      const tookMs = clock.monotonicMs() - startedMs;
      await pause(Math.min(Math.max(everyMs, tookMs * restFactor), longestMs), clock, leaving.signal);
    }
  }

  return {
    start() {
      // Apart from the others, which a log that does not answer holds up.
      const isOfLog = ({ spec }: Alert) => spec.when === "log_down";
      running = Promise.all([
        run(alerts.filter(isOfLog), async () => true),
        run(
          alerts.filter((alert) => !isOfLog(alert)),
          hasCaughtUp,
        ),
      ]);
    },
    async stop() {
      leaving.abort();
      const idle = Promise.all([running, ...alerts.map((alert) => alert.idle())]);
      await within(idle, stopsWithinMs, clock, () => {});
      cutting.abort();
      await Promise.all(posts.map((post) => post.close()));
    },
    warnings: () =>
      alerts.flatMap(({ spec: { name }, trouble }) => (trouble === null ? [] : [`alert ${name}: its receiver could not be told (${trouble}); tried again.`])),
  };
}
