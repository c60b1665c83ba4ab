import type { ViewDatabase } from "../database.ts";

export const typeCountTables = `
    -- How many events of each stored type there are.
    create table types(type text primary key, events integer not null) strict, without rowid;
    -- The same of each tenant.
    create table tenant_types(tenant text not null, type text not null, events integer not null, primary key (tenant, type)) strict, without rowid;
    -- The same of each schema version.
    create table tenant_versions(
      tenant text not null, type text not null, version integer not null, events integer not null, primary key (tenant, type, version)
    ) strict, without rowid;
`;

/** How many events of each tenant, stored type and schema version came or went since the last time that this was written. */
export class TypeCounts {
  readonly #tenants = new Map<string, Map<string, Map<number, number>>>();

  add(tenant: string, type: string, version: number, events: number): void {
    let types = this.#tenants.get(tenant);
    if (types === undefined) this.#tenants.set(tenant, (types = new Map()));
    let versions = types.get(type);
    if (versions === undefined) types.set(type, (versions = new Map()));
    versions.set(version, (versions.get(version) ?? 0) + events);
  }

  write(db: ViewDatabase): void {
    for (const [tenant, types] of this.#tenants)
      for (const [type, versions] of types) {
        let events = 0;
        for (const [version, more] of versions) {
          events += more;
          db.run("insert into tenant_versions values (?, ?, ?, ?) on conflict do update set events = events + excluded.events", tenant, type, version, more);
          if (more < 0) db.run("delete from tenant_versions where tenant = ? and type = ? and version = ? and events <= 0", tenant, type, version);
        }
        db.run("insert into types(type, events) values (?, ?) on conflict do update set events = events + excluded.events", type, events);
        db.run("insert into tenant_types values (?, ?, ?) on conflict do update set events = events + excluded.events", tenant, type, events);
        if (events >= 0) continue; // archived ones are counted no more
        db.run("delete from types where type = ? and events <= 0", type);
        db.run("delete from tenant_types where tenant = ? and type = ? and events <= 0", tenant, type);
      }
    this.clear();
  }

  clear(): void {
    this.#tenants.clear();
  }
}
