import { RepriseError } from "../../errors.ts";
import type { Entity } from "../../event/event.ts";
import { parseStreamName } from "../../event/names.ts";
import type { Opened } from "./opened.ts";
import type { StreamRow } from "./stream-row.ts";
import { streamSum } from "./sums.ts";

interface StreamName {
  readonly id: number;
  readonly stream: string;
  readonly tenant: string;
  readonly entity: Entity;
}

/** Streams by their numbers. */
export interface StreamNames {
  /** Its `stream` is empty when the name is lost. */
  nameOf(id: number): StreamName;
  /** Notes the name of a new stream, because whoever follows the log reads its events soon and would otherwise ask for the name. */
  remember(id: number, stream: string): void;
  /** As `nameOf` checks it. @throws LOG_DAMAGED */
  streamOf(id: number): StreamRow;
}

const unknownName: StreamName = { id: 0, stream: "", tenant: "", entity: { type: "", id: "" } };

export function makeStreamNames({ prepare, mender, ifReadable, summed, path }: Opened, cachedStreams: number): StreamNames {
  const selectName = prepare(summed ? "select name, tenant, first, sum from streams where id = ?" : "select name from streams where id = ?");
  /** Indexed by id modulo the length. A look costs a fifth of a look into an LRU cache, and each event that is read takes one. */
  const names = Array.from<StreamName | undefined>({ length: cachedStreams });
  let last = unknownName;
  const rememberName = (id: number, stream: string): StreamName => {
    const { tenant, entity } = parseStreamName(stream) ?? unknownName;
    // Not spread, and with texts that names share where they can: 115 bytes a name in place of 185, which the garbage collector copies twice.
    last = {
      id,
      stream,
      tenant: tenant === last.tenant ? last.tenant : tenant,
      entity: entity.type === last.entity.type ? { type: last.entity.type, id: entity.id } : entity,
    };
    names[id % cachedStreams] = last;
    return last;
  };
  const rowOf = (id: number) => ifReadable(() => selectName.get(id) as unknown as readonly [string, string, number, number] | undefined, undefined);

  return {
    nameOf(id) {
      const name = names[id % cachedStreams];
      if (name?.id === id) return name;
      const row = rowOf(id);
      if (row !== undefined && (!summed || streamSum(id, row[0], row[1], row[2]) === row[3])) return rememberName(id, row[0]);
      const mended = mender.streamRow(id);
      return mended === null ? unknownName : rememberName(id, mended.name);
    },
    remember(id, stream) {
      if (names[id % cachedStreams]?.id !== id) rememberName(id, stream);
    },
    streamOf(id) {
      const row = rowOf(id);
      if (row !== undefined && streamSum(id, row[0], row[1], row[2]) === row[3]) return { id, name: row[0], tenant: row[1], first: row[2] };
      const mended = mender.streamRow(id);
      if (mended === null) throw new RepriseError("LOG_DAMAGED", `${path} is damaged: stream ${id} has lost its name.`);
      return mended;
    },
  };
}
