import { NewIds } from "./new-ids.ts";
import type { Opened } from "./opened.ts";
import { columnsDamage, dataDamage, textOf } from "./row.ts";
import { type RowReads, selectByIds } from "./row-reads.ts";
import type { StreamNames } from "./stream-names.ts";

/** The parts of a stored event that the check of an append with its id needs. */
export interface KnownEvent {
  readonly id: string;
  /** The damage of its row, which then says nothing about its content; null: none. */
  readonly damage: string | null;
  readonly tenant: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly recordedAtMs: number;
  /** Empty when it is `large`. */
  readonly data: string;
  /** The columns' figures for data that was not read with the row; `readKnown` reads it. */
  readonly large: { readonly bytes: number; readonly sum: number } | null;
}

export interface KnownEvents {
  /** The events with these ids, of any tenant. One statement for a group's ids: a statement for each cost twice as much. */
  knownEvents(ids: readonly string[]): readonly KnownEvent[];
  /** With its data, whatever its size. */
  readKnown(event: KnownEvent): KnownEvent;
  /** An event with this id is stored, or may be. */
  storedId(id: string): void;
}

export function makeKnownEvents({ prepare, mender, columns, end }: Opened, { nameOf }: StreamNames, { rows, dataAt }: RowReads): KnownEvents {
  const selectGreatest = prepare("select max(id) from events where id < ?");
  const newIds = new NewIds((bound) => (selectGreatest.get(bound) as unknown as readonly [string | null])[0]);
  return {
    knownEvents(ids) {
      const old = ids.filter((id) => !newIds.isNew(id, end.lastRecordedAtMs));
      if (old.length === 0) return [];
      const values = [JSON.stringify(old)];
      return rows(selectByIds(`${columns}, octet_length(e.data)`), values, { sql: selectByIds("e.position"), values }).map((row) => {
        const data = row[10];
        const damage = columnsDamage(row) ?? (data === null ? null : dataDamage(row[12], data));
        const { streamId, revision, id } = damage === null ? { streamId: row[1], revision: row[2], id: row[3] } : mender.whereabouts(row);
        const { stream, tenant } = nameOf(streamId);
        const [position, , , , type, schemaVersion, , , recordedAtMs] = row;
        const large = data === null ? { bytes: (row as readonly unknown[])[14] as number, sum: row[12] } : null;
        return { id: id ?? row[3], damage, tenant, stream, revision, position, type, schemaVersion, recordedAtMs, data: textOf(data), large };
      });
    },
    readKnown(event) {
      if (event.large === null) return event;
      const data = textOf(dataAt(event.position));
      return { ...event, data, damage: dataDamage(event.large.sum, data), large: null };
    },
    storedId: (id) => newIds.stored(id),
  };
}
