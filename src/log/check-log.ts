import type { ReadOnlyLog } from "./event-log.ts";

/** What `reprise log check` finds, whatever log it is. */
export interface LogFinding {
  /** Where: "position 17 (default.order-1, revision 3)", "stream default.order-1", "page 12". */
  readonly place: string;
  readonly problem: string;
}

export interface LogCheck {
  readonly events: number;
  /** The first 1,000. */
  readonly findings: readonly LogFinding[];
  readonly findingsTotal: number;
  /** What could not be checked, and why. */
  readonly notChecked: readonly string[];
}

export const shownFindings = 1000;

export interface CheckOptions {
  /** Told now and then. @param share of the log, 0 to 1. */
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

/** Of a log whose storage is another program's: what can be told by reading it. Its records and their order are that program's to keep. */
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
