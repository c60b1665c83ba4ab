import { createHash } from "node:crypto";
import type { ViewDatabase } from "../database.ts";

export const typeSetTables = `
    -- How many entities have events of the very same types: whoever counts those of which a handler wants any looks at few sets in place of a million entities.
    -- id: a hash of tenant and types, the same in every file. types: a sorted JSON list; null: those of a tenant that has too many sets.
    create table type_sets(id integer primary key, tenant text not null, types text not null, entities integer not null) strict;
    create index type_sets_by_tenant on type_sets(tenant);
`;

/** The types of a set that has the entities of a tenant's further sets. */
export const furtherSets = "null";

/** Of a tenant. With dozens of types in any order, each entity might have a set of its own. */
const maxSets = 1000;
/** A set takes about 500 bytes. */
const cachedSets = 5000;

interface TypeSet {
  readonly tenant: string;
  /** Null: without types, which is not counted. */
  readonly id: number | null;
  /** Null: any. */
  readonly types: ReadonlySet<string> | null;
  /** By type, the set that has it, too. */
  readonly larger: Map<string, TypeSet>;
  /** How many more entities have it than is written. */
  more: number;
}

/** Moves entities between sets of types, and writes at the end of the transaction how many each has. */
export class TypeSets {
  /** By number. */
  readonly #sets = new Map<number, TypeSet>();
  /** Those without types, by tenant. */
  readonly #empty = new Map<string, TypeSet>();
  readonly #changed = new Set<TypeSet>();
  /** Sets of a tenant that may be new at the end of the transaction. */
  readonly #made = new Map<string, number>();

  /** The entity has events of more types. @param id of the set that it had. @returns that of the set that it has. */
  grown(db: ViewDatabase, tenant: string, id: number | null, types: Iterable<string>): number | null {
    const before = this.#find(db, tenant, id);
    return this.#move(before, this.#with(db, before, types));
  }

  /** The entity has events of these types alone. Parameters as above. */
  shrunk(db: ViewDatabase, tenant: string, id: number | null, types: Iterable<string>): number | null {
    return this.#move(this.#find(db, tenant, id), this.#with(db, this.#find(db, tenant, null), types));
  }

  write(db: ViewDatabase): void {
    for (const set of this.#changed) {
      const { id, tenant, types, more } = set;
      if (more !== 0)
        db.run("insert into type_sets values (?, ?, ?, ?) on conflict do update set entities = entities + excluded.entities", id, tenant, textOf(types), more);
      if (more < 0) db.run("delete from type_sets where id = ? and entities = 0", id);
      set.more = 0;
    }
    this.#changed.clear();
    this.#made.clear();
    if (this.#sets.size + this.#empty.size > cachedSets) this.clear();
  }

  /** After a transaction that was undone. */
  clear(): void {
    for (const each of [this.#sets, this.#empty, this.#changed, this.#made]) each.clear();
  }

  #move(from: TypeSet, to: TypeSet): number | null {
    if (from === to) return to.id;
    for (const [set, more] of [
      [from, -1],
      [to, 1],
    ] as const) {
      if (set.id === null) continue;
      set.more += more;
      this.#changed.add(set);
    }
    return to.id;
  }

  #with(db: ViewDatabase, set: TypeSet, types: Iterable<string>): TypeSet {
    let now = set;
    for (const type of types) if (now.types !== null && !now.types.has(type)) now = now.larger.get(type) ?? this.#enlarged(db, now, now.types, type);
    return now;
  }

  #enlarged(db: ViewDatabase, set: TypeSet, before: ReadonlySet<string>, type: string): TypeSet {
    const { tenant } = set;
    const types = new Set([...before, type].sort((one, other) => (one < other ? -1 : 1)));
    const id = idOf(tenant, types);
    const larger = this.#sets.get(id) ?? (this.#hasRoom(db, tenant, id) ? this.#keep(tenant, id, types) : this.#further(tenant));
    set.larger.set(type, larger);
    return larger;
  }

  /** Whether the set is written already, or one more may be. */
  #hasRoom(db: ViewDatabase, tenant: string, id: number): boolean {
    if (db.get("select 1 from type_sets where id = ?", id) !== undefined) return true;
    const made = this.#made.get(tenant) ?? 0;
    const { sets } = db.get<{ sets: number }>("select count(*) as sets from (select 1 from type_sets where tenant = ? limit ? + 0)", tenant, maxSets)!;
    if (sets + made >= maxSets) return false;
    this.#made.set(tenant, made + 1);
    return true;
  }

  #further(tenant: string): TypeSet {
    const id = idOf(tenant, null);
    return this.#sets.get(id) ?? this.#keep(tenant, id, null);
  }

  #find(db: ViewDatabase, tenant: string, id: number | null): TypeSet {
    const known = id === null ? this.#empty.get(tenant) : this.#sets.get(id);
    if (known !== undefined) return known;
    if (id === null) return this.#keep(tenant, id, new Set());
    const row = db.get<{ types: string }>("select types from type_sets where id = ?", id);
    if (row === undefined) db.report(new Error("an entity has a set of types that is in no row"));
    const types = JSON.parse(row?.types ?? furtherSets) as readonly string[] | null;
    return this.#keep(tenant, id, types && new Set(types));
  }

  #keep(tenant: string, id: number | null, types: ReadonlySet<string> | null): TypeSet {
    const set: TypeSet = { tenant, id, types, larger: new Map(), more: 0 };
    if (id === null) this.#empty.set(tenant, set);
    else this.#sets.set(id, set);
    return set;
  }
}

const textOf = (types: ReadonlySet<string> | null): string => JSON.stringify(types && [...types]);

/** 52 bits. */
function idOf(tenant: string, types: ReadonlySet<string> | null): number {
  const digest = createHash("sha256")
    .update(`${tenant} ${textOf(types)}`)
    .digest();
  return digest.readUIntBE(0, 6) * 16 + (digest[6]! >> 4);
}
