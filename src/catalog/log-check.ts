/** Lifts and validates every stored event with today's code, to tell whether a deploy of it would read the whole log. Keeps a bounded list of failures. */
import type { StoredEvent } from "../event/event.ts";
import { isEntityStream } from "../event/names.ts";
import type { Catalog, FailureText } from "./catalog.ts";
import { liftOutcome } from "./lift/lift-outcome.ts";

/** An event that cannot be read. */
export interface LogFailure extends FailureText {
  readonly position: bigint;
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly eventType: string;
  readonly version: number;
}

export interface LogCheckReport {
  /** Events of entities. */
  readonly events: number;
  readonly failed: number;
  /** The first ones, in log order. */
  readonly failures: readonly LogFailure[];
  /** By event type, version and error: the number of failures, and the first of them. The largest number comes first. */
  readonly kinds: readonly { readonly count: number; readonly first: LogFailure }[];
  /** Failures of kinds that `kinds` has no room for. */
  readonly beyondKinds: number;
}

export interface LogCheck {
  add(event: StoredEvent): void;
  report(): LogCheckReport;
}

const defaultLimits = { failures: 100, kinds: 1000 };

export function makeLogCheck(catalog: Catalog, limits = defaultLimits): LogCheck {
  const failures: LogFailure[] = [];
  const kinds = new Map<string, { count: number; readonly first: LogFailure }>();
  let [events, failed, beyondKinds] = [0, 0, 0];
  return {
    add(event) {
      if (!isEntityStream(event.stream)) return;
      events++;
      const { error } = liftOutcome(catalog, event);
      if (error === null) return;
      failed++;
      const { position, id, stream, revision, type: eventType, schemaVersion: version } = event;
      const failure = { position, id, stream, revision, eventType, version, ...error };
      if (failures.length < limits.failures) failures.push(failure);
      const key = JSON.stringify([eventType, version, error.type, error.message]);
      const kind = kinds.get(key);
      if (kind !== undefined) kind.count++;
      else if (kinds.size < limits.kinds) kinds.set(key, { count: 1, first: failure });
      else beyondKinds++;
    },
    report: () => ({ events, failed, failures, kinds: [...kinds.values()].sort((a, b) => b.count - a.count), beyondKinds }),
  };
}
