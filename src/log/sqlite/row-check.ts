import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { CheckOptions } from "../check-log.ts";
import { eventsPerMark } from "./file-tables.ts";
import { isHead } from "./is-head.ts";
import { type Mender, makeMender } from "./mender.ts";
import { columnsDamage, dataDamage, type EventRow, pageColumns, textOf } from "./row.ts";
import { makeRowPages } from "./row-pages.ts";
import { isDamage } from "./sqlite-error.ts";
import { streamSum, tailSum } from "./sums.ts";

/** Called with each problem and its place. */
export type Add = (place: string, problem: string) => void;

/** The end of a stream, as its events show it. */
interface Last {
  readonly revision: number;
  readonly position: number;
}

export class RowCheck {
  readonly #db: DatabaseSync;
  readonly #summed: boolean;
  readonly #add: Add;
  readonly #notChecked: (what: string) => void;
  readonly #mender: Mender;
  readonly #names = new Map<number, { readonly name: string; readonly first: number }>();
  readonly #last = new Map<number, Last>();
  /** Positions of the events that a row of `marks` is for, by stream and revision. */
  readonly #marks = new Map<string, number>();
  /** The number of readable events. */
  events = 0;

  constructor(db: DatabaseSync, path: string, summed: boolean, add: Add, notChecked: (what: string) => void) {
    this.#db = db;
    this.#summed = summed;
    this.#add = add;
    this.#notChecked = notChecked;
    this.#mender = makeMender(
      (sql) => this.#prepare(sql),
      (sql) => this.#prepareBig(sql),
      path,
    );
  }

  /** Checks each part by itself, so that an unreadable page in one part hides nothing in the others. */
  async run({ onProgress, signal }: CheckOptions): Promise<void> {
    if (this.#summed) this.#part("the streams' names", () => this.#streams());
    const pages = makeRowPages((sql) => this.#prepare(sql), pageColumns(this.#summed), this.#mender.rowAt, this.#add);
    const { end } = pages;
    if (end === null) this.#notChecked("the events: nothing says how many there are");
    for (let from = 0; end !== null && from < end && !signal?.aborted; await nextTurn()) {
      const { rows, reached } = pages.behind(from);
      for (const row of rows) this.#event(row);
      this.events += rows.length;
      from = reached;
      onProgress?.(from / end, this.events);
    }
    pages.ended();
    if (this.#summed && !signal?.aborted) {
      this.#part("where the streams end", () => this.#heads());
      this.#part("the marks in the streams", () => this.#checkMarks());
      this.#part("the end of what was truncated", () => this.#tail());
    }
  }

  #part(what: string, check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#add("log.db", `SQLite cannot read ${what}: ${(error as Error).message}`);
      this.#notChecked(what);
    }
  }

  #prepare(sql: string): StatementSync {
    return this.#db.prepare(sql, { returnArrays: true });
  }

  /** Whole numbers come as bigint, so that one beyond 2^53 is reported as damage and throws no error. */
  #prepareBig(sql: string): StatementSync {
    const statement = this.#prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  }

  #all(sql: string): readonly (readonly unknown[])[] {
    const rows = this.#prepareBig(sql).all() as unknown as readonly (readonly unknown[])[];
    return rows.map((row) => row.map((value) => (typeof value === "bigint" ? Number(value) : value)));
  }

  #streams(): void {
    for (const row of this.#all("select id, name, tenant, first, sum from streams")) {
      const [id, name, tenant, first, sum] = row as [number, string, string, number, number];
      if (sumOf(() => streamSum(id, name, tenant, first)) === sum) this.#names.set(id, { name, first });
      else {
        const mended = this.#mender.streamRow(id);
        this.#add(`stream ${mended?.name ?? id}`, "its name or its first revision does not match its checksum");
        if (mended !== null) this.#names.set(id, mended);
      }
    }
  }

  /** Empty when SQLite cannot read the data, or when it is no text. */
  #dataAt(position: number): string {
    try {
      return textOf((this.#prepare("select data from events where position = ?").get(position) as unknown as readonly [unknown] | undefined)?.[0]);
    } catch (error) {
      if (!isDamage(error)) throw error;
      return "";
    }
  }

  #event(row: EventRow): void {
    const [position] = row;
    const ofColumns = this.#summed ? columnsDamage(row) : null;
    const { streamId, revision } = ofColumns === null ? { streamId: row[1], revision: row[2] } : this.#mender.whereabouts(row);
    const name = this.#names.get(streamId)?.name ?? (this.#summed ? `stream ${streamId}` : "");
    const tell = (problem: string) => this.#add(`position ${position}${name === "" ? "" : ` (${name}, revision ${revision})`}`, problem);
    if (ofColumns !== null) tell(ofColumns);
    const data = row[10] ?? this.#dataAt(position);
    const ofData = this.#summed ? dataDamage(row[12], data) : null;
    if (ofData !== null) tell(ofData);
    else if (ofColumns === null) {
      if (!isJson(data)) tell("its data is not JSON");
      if (!isJson(row[9])) tell("its metadata are not JSON");
    }
    if (!this.#summed) return;
    if (!this.#names.has(streamId)) tell("its stream is not there");
    const last = this.#last.get(streamId);
    const first = this.#names.get(streamId)?.first ?? 0;
    const expected = last === undefined ? first : last.revision + 1;
    if (revision > expected)
      this.#add(
        `stream ${name}`,
        `${revision === expected + 1 ? `revision ${expected} is` : `revisions ${expected} to ${revision - 1} are`} missing before position ${position}`,
      );
    else if (revision < expected) tell(`revision ${expected} was expected here`);
    const link = last?.position ?? 0;
    if (ofColumns === null && revision === expected && row[11] !== link && (last !== undefined || first === 0))
      tell(`its link leads to position ${row[11]}, not to ${link}`);
    this.#last.set(streamId, { revision: Math.max(revision, last?.revision ?? -1), position });
    if (revision > 0 && revision % eventsPerMark === 0) this.#marks.set(`${streamId} ${revision}`, position);
  }

  #heads(): void {
    const heads = new Map(this.#all("select stream_id, revision, position, sum from heads").map((row) => [row[0] as number, row as number[]]));
    for (const [id, { name, first }] of this.#names) {
      const [, revision, position, sum] = heads.get(id) ?? [];
      heads.delete(id);
      if (revision === undefined || !isHead(id, revision, position!, sum!)) {
        this.#add(`stream ${name}`, "where it ends does not match its checksum");
        continue;
      }
      const last = this.#last.get(id) ?? { revision: first - 1, position: position! };
      if (last.revision < revision) this.#add(`stream ${name}`, `its last events, up to revision ${revision} at position ${position}, are missing`);
      else if (last.revision > revision || last.position !== position)
        this.#add(`stream ${name}`, `it is said to end at revision ${revision}, and has an event at ${last.revision}`);
    }
    for (const id of heads.keys()) this.#add(`stream ${id}`, "it has an end, but no name");
  }

  #checkMarks(): void {
    for (const [streamId, revision, position] of this.#all("select stream_id, revision, position from marks")) {
      const key = `${streamId} ${revision}`;
      if (this.#marks.get(key) !== position)
        this.#add(`stream ${this.#names.get(streamId as number)?.name ?? streamId}`, `its mark at revision ${revision} is wrong`);
      this.#marks.delete(key);
    }
    for (const key of this.#marks.keys()) {
      const [streamId, revision] = key.split(" ").map(Number);
      this.#add(`stream ${this.#names.get(streamId!)?.name ?? streamId}`, `its mark at revision ${revision} is missing`);
    }
  }

  #tail(): void {
    const [row] = this.#all("select position, recorded_at, sum from tail");
    const [position, recordedAtMs, sum] = (row ?? []) as number[];
    if (position === undefined || tailSum(position, recordedAtMs!) !== sum) this.#add("log.db", "the end of what was truncated does not match its checksum");
  }
}

function sumOf(make: () => number): number | null {
  try {
    return make();
  } catch {
    return null; // a blob where a text belongs
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
