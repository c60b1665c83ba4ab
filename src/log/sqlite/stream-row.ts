import { parseStreamName } from "../../event/names.ts";
import type { CarefulReads } from "./careful-reads.ts";
import { streamSum } from "./sums.ts";

/** A row of `streams` that is as it was written. */
export interface StreamRow {
  readonly id: number;
  readonly name: string;
  readonly tenant: string;
  readonly first: number;
}

/** @returns null when there is no row that can be trusted. */
export function mendedStreamRow(reads: CarefulReads, id: number): StreamRow | null {
  const { prepare, prepareBig, mustBeDamage } = reads;
  try {
    const row = prepareBig("select name, tenant, first, sum from streams where id = ?").get(id) as unknown as
      | readonly [string, string, bigint, bigint]
      | undefined;
    if (row === undefined) return null;
    const [name, tenant, first, sum] = [row[0], row[1], Number(row[2]), Number(row[3])];
    const names = [name, ...(prepare("select name from streams indexed by sqlite_autoindex_streams_1 where id = ?").all(id) as unknown as [string][]).flat()];
    for (const candidate of names)
      for (const owner of new Set([tenant, candidate.slice(0, Math.max(0, candidate.indexOf(".")))]))
        if (streamSum(id, candidate, owner, first) === sum) return { id, name: candidate, tenant: owner, first };
    // Table and index agree, so the sum is wrong, or the first revision, which the stream's events tell, too.
    if (names.length < 2 || names[0] !== names[1] || parseStreamName(name) === null) return null;
    const [lowest] = prepare("select min(revision) from events where stream_id = ?").get(id) as unknown as readonly [number | null];
    return { id, name, tenant: name.slice(0, name.indexOf(".")), first: lowest ?? first };
  } catch (error) {
    mustBeDamage(error);
    return streamByIndex(reads, id);
  }
}

/** For a stream whose page cannot be read: the index holds its name, too, and its events tell its first revision. */
function streamByIndex({ prepare, mustBeDamage }: CarefulReads, id: number): StreamRow | null {
  try {
    const names = prepare("select name from streams indexed by sqlite_autoindex_streams_1 where id = ?").all(id) as unknown as readonly (readonly [string])[];
    const name = names[0]?.[0];
    if (name === undefined || names.length > 1 || parseStreamName(name) === null) return null;
    const [lowest] = prepare("select min(revision) from events where stream_id = ?").get(id) as unknown as readonly [number | null];
    return { id, name, tenant: name.slice(0, name.indexOf(".")), first: lowest ?? 0 };
  } catch (error) {
    mustBeDamage(error);
    return null;
  }
}
