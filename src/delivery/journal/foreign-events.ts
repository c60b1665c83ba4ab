import { RepriseError } from "../../errors.ts";
import type { EventLog } from "../../log/event-log.ts";
import { maxSkips, readJournal, type Skip } from "./journal-read.ts";
import { foldStored, lastState } from "./last-snapshot.ts";

/** Finds the events behind the last snapshot that are not the journal's own. @throws JOURNAL_DAMAGED for more than `maxSkips` ranges of them. */
export async function findForeign(log: EventLog, stream: string, skips: readonly Skip[]): Promise<readonly Skip[]> {
  const { state, from } = await lastState(log, stream, 0n, skips);
  const found: Skip[] = [];
  await readJournal(
    { log, stream, from, skips },
    (event) => foldStored(state, event),
    (skip) => {
      const last = found.at(-1);
      if (last !== undefined && last.to + 1 === skip.from && last.type === skip.type) found[found.length - 1] = { ...last, to: skip.to };
      else found.push(skip);
      if (found.length > maxSkips)
        throw new RepriseError("JOURNAL_DAMAGED", `${stream} has more than ${maxSkips} places that are not its own: stop the program that writes there first.`);
    },
  );
  return found;
}
