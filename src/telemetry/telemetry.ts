/**
 * What a store measures of itself, and traces. Twins stand around its ports, so that nothing of it is inside the rules; they are put on where a store is
 * composed.
 */
import type { HandlerSpec } from "../delivery/handler-spec.ts";
import { type CallsSeen, type HandlerTwin, nobodySees } from "../delivery/handler-twin.ts";
import type { Clock } from "../event/clock.ts";
import type { EventLog } from "../log/event-log.ts";
import type { AppendInputs } from "../store/append/append.ts";
import type { Metrics } from "../store/metrics.ts";
import { Counted } from "./counted.ts";
import { Gauges, type Watched } from "./gauges.ts";
import { LoopDelay } from "./loop-delay.ts";
import { measuredAppend } from "./measured-append.ts";
import { MeasuredHandler } from "./measured-handler.ts";
import { measuredLog } from "./measured-log.ts";
import { writePage } from "./page.ts";
import type { Durations } from "./series.ts";
import { tracedAppend } from "./traced-append.ts";
import { TracedAttempt } from "./traced-handler.ts";

/** Each gives what it was given, with what sees it around it. */
export interface Twins {
  log(log: EventLog): EventLog;
  append(append: AppendInputs): AppendInputs;
  handler(spec: HandlerSpec): HandlerTwin;
  /** The store is put together. */
  watch(watched: Watched): void;
  readonly metrics: Metrics | null;
}

type Measuring = Omit<Twins, "handler"> & { handler(name: string): CallsSeen };

/** @param measures false: it is traced only. */
export function makeTelemetry({
  handlers,
  clock,
  measures,
}: {
  readonly handlers: readonly { readonly name: string }[];
  readonly clock: Clock;
  readonly measures: boolean;
}): Twins {
  const measuring = measures ? makeMeasuring(handlers, clock) : measuringNothing;
  return {
    ...measuring,
    append: (append) => tracedAppend(measuring.append(append)),
    handler(spec) {
      return { seen: measuring.handler(spec.name), attempt: (attempt) => new TracedAttempt(spec, attempt) };
    },
  };
}

const measuringNothing: Measuring = {
  log: (log) => log,
  append: (append) => append,
  handler: () => nobodySees,
  watch() {},
  metrics: null,
};

function makeMeasuring(handlers: readonly { readonly name: string }[], clock: Clock): Measuring {
  const counted = new Counted(handlers.map(({ name }) => name));
  const gauges = new Gauges(clock);
  const loopDelay = new LoopDelay();
  /** Of the last request: many come for the same. */
  let recent: { readonly method: string; readonly route: string | null; readonly status: number; readonly took: Durations } | null = null;
  return {
    log: (log) => measuredLog(log, counted),
    append: (append) => measuredAppend(append, counted, clock),
    handler: (name) => new MeasuredHandler(name, counted),
    watch: (watched) => gauges.watch(watched),
    metrics: {
      page: async (format) => writePage(format, [...counted.families(), ...(await gauges.families()), loopDelay.family()]),
      answered({ method, route, status, seconds }) {
        if (recent === null || recent.route !== route || recent.status !== status || recent.method !== method)
          recent = { method, route, status, took: counted.requestSeconds.of(method, route ?? "none", String(status)) };
        recent.took.observe(seconds);
      },
    },
  };
}
