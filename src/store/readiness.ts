/** Whether this Reprise does its work; the reasons if it does not; and warnings for an operator if it does. */
import type { Clock } from "../event/clock.ts";
import { failureWithin } from "../event/waits.ts";

/** A part of the service that can keep it from its work. Each answers for itself alone. */
export interface ReadinessSource {
  /** Stands before its reasons: `the log`. Empty: the reasons say it themselves. */
  readonly name: string;
  /** Why nothing goes on here, as far as it is known; none while all does. At once, without looking. */
  reasons?(): readonly string[];
  /** A sentence each. */
  warnings?(): readonly string[];
  /** Tries the real thing, as small as it can be, so that trouble shows (and its end) where nobody else tries. @throws why it does not work. */
  probe?(): Promise<void>;
}

export interface Readiness {
  /** Null when ready; otherwise what it waits for. */
  notReady(): string | null;
  warnings(): readonly string[];
  /** Tries the parts that show trouble only when tried, at most once a second and for two seconds at most. Never throws: `notReady` tells the result. */
  probe(): Promise<void>;
}

const probeEveryMs = 1000;
const probePatienceMs = 2000;
/** The most reasons in one answer, because a thousand handlers in trouble have one cause. */
const shownReasons = 5;

export function makeReadiness(sources: readonly ReadinessSource[], clock: Clock): Readiness {
  /** What the last probe of each has found. */
  const found = new Map<ReadinessSource, string>();
  let probedMs = Number.NEGATIVE_INFINITY;
  let probing: Promise<void> | null = null;

  async function probeOne(source: ReadinessSource): Promise<void> {
    if (source.probe === undefined) return;
    const reason = await failureWithin(source.probe(), probePatienceMs, clock);
    if (reason === null) found.delete(source);
    else found.set(source, reason);
  }

  const told = (source: ReadinessSource): readonly string[] => {
    const known = source.reasons?.() ?? [];
    const reasons = known.length > 0 ? known : found.has(source) ? [found.get(source)!] : [];
    return reasons.map((reason) => `${source.name === "" ? "" : `${source.name}: `}${reason.replace(/\.$/, "")}`);
  };

  return {
    notReady() {
      const reasons = sources.flatMap(told);
      if (reasons.length === 0) return null;
      const more = reasons.length - shownReasons;
      return [...reasons.slice(0, shownReasons), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
    },
    warnings: () => sources.flatMap((source) => source.warnings?.() ?? []),
    probe() {
      if (probing === null && clock.monotonicMs() - probedMs < probeEveryMs) return Promise.resolve();
      probing ??= Promise.all(sources.map(probeOne)).then(() => {
        probedMs = clock.monotonicMs();
        probing = null;
      });
      return probing;
    },
  };
}
