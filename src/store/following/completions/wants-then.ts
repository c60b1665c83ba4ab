/** What a handler wanted when a record of its journal was written. */
import type { Catalog } from "../../../catalog/catalog.ts";
import { firstPosition, makeWants } from "../../../delivery/journal/wanted.ts";
import type { Position } from "../../../event/event.ts";
import { handlerStream } from "../../../event/names.ts";
import type { EventLog } from "../../../log/event-log.ts";
import type { HandlerStreamData } from "../../../records/handler.ts";
import type { Wants } from "./candidates.ts";

const nothing: Wants = { types: [], since: 0n, event: () => false };
/** A handler's stream has few records: its configurations and pauses. */
const readAtOnce = 20;

export interface WantsThenNeeds {
  readonly log: Pick<EventLog, "readStream">;
  readonly catalog: Pick<Catalog, "candidates">;
}

/** By its last configuration before that record. */
export async function wantsThen(handler: string, before: Position, { log, catalog }: WantsThenNeeds): Promise<Wants> {
  let from: number | undefined;
  for (let read = readAtOnce; read === readAtOnce && from !== -1; ) {
    read = 0;
    for await (const batch of log.readStream(handlerStream(handler), { direction: "backward", limit: readAtOnce, ...(from === undefined ? {} : { from }) }))
      for (const { revision, position, source, type, data } of batch) {
        read++;
        from = revision - 1;
        if (position >= before || source !== "reprise") continue;
        if (type === "handler.retired") return nothing;
        if (type === "handler.configured") return wantsOf(data as unknown as HandlerStreamData["handler.configured"], catalog);
      }
  }
  return nothing;
}

function wantsOf(configured: HandlerStreamData["handler.configured"], catalog: WantsThenNeeds["catalog"]): Wants {
  const stored = configured.stored ?? storedOf(configured.types, catalog);
  const wants = makeWants({ stored });
  return {
    types: Object.keys(stored),
    since: firstPosition({ stored }),
    event: (event) => event.damage?.typeDoubtful !== true && wants(event),
  };
}

/** The first builds recorded the types alone: what can become one of them is this build's to say. */
function storedOf(types: Readonly<Record<string, string>>, catalog: WantsThenNeeds["catalog"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(types).flatMap(([type, since]) => catalog.candidates([type]).map((name) => [name, since])));
}
