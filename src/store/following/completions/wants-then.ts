/** What a handler wanted of one partition when a record of its journal was written. */
import type { Catalog } from "../../../catalog/catalog.ts";
import { firstPosition, Wanted } from "../../../delivery/journal/wanted.ts";
import type { Position } from "../../../event/event.ts";
import { handlerOfJournal, handlerStream, partitionOfJournal } from "../../../event/names.ts";
import type { EventLog } from "../../../log/event-log.ts";
import type { HandlerStreamData } from "../../../records/handler.ts";
import type { Wants } from "./candidates.ts";

/** There is no configuration yet. */
export const nothing: Wants = { types: [], since: 0n, event: () => false };
/** A handler's stream has few records: its configurations and pauses. */
const readAtOnce = 20;

export interface WantsThenNeeds {
  readonly log: Pick<EventLog, "readStream">;
  readonly catalog: Pick<Catalog, "candidates">;
}

/**
 * By its last configuration before that record.
 *
 * @param known the types that the partition's owner knew, where others may have configured the handler since; null: there are no others.
 */
export async function wantsThen(
  journal: string,
  { position: before, known }: { readonly position: Position; readonly known: readonly string[] | null },
  { log, catalog }: WantsThenNeeds,
): Promise<Wants> {
  const handler = handlerOfJournal(journal)!;
  let from: number | undefined;
  for (let read = readAtOnce; read === readAtOnce && from !== -1; ) {
    read = 0;
    for await (const batch of log.readStream(handlerStream(handler), { direction: "backward", limit: readAtOnce, ...(from === undefined ? {} : { from }) }))
      for (const { revision, position, source, type, data } of batch) {
        read++;
        from = revision - 1;
        if (position >= before || source !== "reprise") continue;
        if (type === "handler.retired") return nothing;
        if (type === "handler.configured") return wantsOf(data as unknown as HandlerStreamData["handler.configured"], { journal, known, catalog });
      }
  }
  return nothing;
}

function wantsOf(
  configured: HandlerStreamData["handler.configured"],
  { journal, known, catalog }: { readonly journal: string; readonly known: readonly string[] | null } & Pick<WantsThenNeeds, "catalog">,
): Wants {
  const stored = configured.stored ?? storedOf(configured.types, catalog);
  const { of, partition } = partitionOfJournal(journal);
  const wanted = new Wanted({ stored }, { number: partition, of });
  return {
    types: Object.keys(stored).filter((type) => known?.includes(type) !== false),
    since: firstPosition({ stored }),
    event: (event) => event.damage?.typeDoubtful !== true && known?.includes(event.type) !== false && wanted.has(event),
  };
}

/** The first builds recorded the types alone: what can become one of them is this build's to say. */
function storedOf(types: Readonly<Record<string, string>>, catalog: WantsThenNeeds["catalog"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(types).flatMap(([type, since]) => catalog.candidates([type]).map((name) => [name, since])));
}
