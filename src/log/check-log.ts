import type { ReadOnlyLog } from "./event-log.ts";

/** The findings of `reprise log check`, for any kind of log. */
export interface LogFinding {
  /** The place: "position 17 (default.order-1, revision 3)", "stream default.order-1", "page 12". */
  readonly place: string;
  readonly problem: string;
}

export interface LogCheck {
  readonly events: number;
  /** The first 1,000. */
  readonly findings: readonly LogFinding[];
  readonly findingsTotal: number;
  /** The parts that could not be checked, and why. */
  readonly notChecked: readonly string[];
}

export const shownFindings = 1000;

export interface CheckOptions {
  /** Called now and then. @param share of the log that was read, 0 to 1. */
  readonly onProgress?: (share: number, events: number) => void;
  readonly signal?: AbortSignal;
}

/** Keeps the first findings, and counts all. */
export function makeFindings(): { readonly add: (place: string, problem: string) => void; readonly list: LogFinding[]; total: number } {
  const findings = {
    list: [] as LogFinding[],
    total: 0,
    add(place: string, problem: string) {
      findings.total++;
      if (findings.list.length < shownFindings) findings.list.push({ place, problem });
    },
  };
  return findings;
}

/** Checks a log that another program stores, as far as reading it can show damage. That program keeps the records and their order. */
export async function checkByReading(log: ReadOnlyLog, { onProgress, signal }: CheckOptions): Promise<LogCheck> {
  const found = makeFindings();
  const head = Number(await log.head());
  let events = 0;
  for await (const batch of log.readAll()) {
    for (const { damage } of batch) if (damage !== undefined) found.add(...placeAndProblem(damage.detail));
    events += batch.length;
    onProgress?.(Number(batch.at(-1)!.position) / head, events);
    if (signal?.aborted) break;
  }
  const notChecked = ["the server's own files: it has a check of its own"];
  if (log.passedOver && found.total === 0) notChecked.push(`${log.passedOver} events of other programs in this log's streams, which cannot be decoded`);
  return { events, findings: found.list, findingsTotal: found.total, notChecked };
}

function placeAndProblem(detail: string): [place: string, problem: string] {
  const colon = detail.indexOf("): ") + 1;
  return colon === 0 ? [detail, "damaged"] : [detail.slice(0, colon), detail.slice(colon + 2)];
}
