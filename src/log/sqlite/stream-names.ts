import { RepriseError } from "../../errors.ts";
import type { Entity } from "../../event/event.ts";
import { parseStreamName } from "../../event/names.ts";
import type { Opened } from "./opened.ts";
import type { EventRow } from "./row.ts";
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
  /** Looks up the names that a page of rows needs and that are not in memory. One statement takes a fifth of what one for each of them does. */
  readNames(rows: readonly EventRow[]): void;
  /** Notes the name of a new stream, because whoever follows the log reads its events soon and would otherwise ask for the name. */
  remember(id: number, stream: string): void;
  /** As `nameOf` checks it. @throws LOG_DAMAGED */
  streamOf(id: number): StreamRow;
}

type NameRow = readonly [name: string, tenant: string, first: number, sum: number];

const unknownName: StreamName = { id: 0, stream: "", tenant: "", entity: { type: "", id: "" } };

export function makeStreamNames({ prepare, mender, ifReadable, summed, path }: Opened, cachedStreams: number): StreamNames {
  const columns = summed ? "name, tenant, first, sum" : "name, null, null, null";
  const selectName = prepare(`select ${columns} from streams where id = ?`);
  const selectNames = `select ${columns}, s.id from json_each(?) wanted cross join streams s on s.id = wanted.value`;
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
  const isSound = (id: number, [name, tenant, first, sum]: NameRow): boolean => !summed || streamSum(id, name, tenant, first) === sum;
  const rowOf = (id: number) => ifReadable(() => selectName.get(id) as unknown as NameRow | undefined, undefined);

  return {
    nameOf(id) {
      const name = names[id % cachedStreams];
      if (name?.id === id) return name;
      const row = rowOf(id);
      if (row !== undefined && isSound(id, row)) return rememberName(id, row[0]);
      const mended = mender.streamRow(id);
      return mended === null ? unknownName : rememberName(id, mended.name);
    },
    readNames(rows) {
      const unknown = new Set<number>();
      for (const row of rows) if (names[row[1] % cachedStreams]?.id !== row[1]) unknown.add(row[1]);
      if (unknown.size < 2) return;
      const found = ifReadable(() => prepare(selectNames).all(JSON.stringify([...unknown])) as unknown as readonly (readonly [...NameRow, number])[], []);
      for (const [name, tenant, first, sum, id] of found) if (isSound(id, [name, tenant, first, sum])) rememberName(id, name);
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
