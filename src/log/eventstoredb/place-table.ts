import type { Place } from "./reader.ts";

/** The places of events, by the last digits of their ids. An answer may be the place of another event, so the caller has to look at it. */
export interface PlaceTable {
  add(id: string, stream: string, revision: number): void;
  has(tenant: string, id: string): boolean;
  /** The newest place that was added for this id in a stream of the tenant. */
  get(tenant: string, id: string): Place | null;
  delete(tenant: string, id: string): void;
}

const none = -1;

/**
 * The newest `max` places, in arrays that are made once: 24 bytes each and its stream's name. Maps of ids, with or without an LRU, keep several objects for
 * each event alive for some seconds, which was half of the garbage collector's work during appends, and a tenth of an append's time.
 */
export function makePlaceTable(max: number): PlaceTable {
  const chains = new Int32Array(2 ** Math.ceil(Math.log2(max + 1))).fill(none);
  const nexts = new Int32Array(max);
  /** Digits of a UUID that are random in all its versions in use: 32 bits from the end, 32 bits before them. */
  const lows = new Uint32Array(max);
  const highs = new Uint32Array(max);
  const revisions = new Float64Array(max);
  /** Null: not in use. */
  const streams: (string | null)[] = new Array<string | null>(max).fill(null);
  let oldest = 0;

  const lowOf = (id: string) => Number.parseInt(id.slice(-8), 16) >>> 0;
  const highOf = (id: string) => Number.parseInt(id.slice(-16, -8).replace("-", "0"), 16) >>> 0;
  const chainOf = (low: number) => low & (chains.length - 1);

  const unlink = (slot: number) => {
    const chain = chainOf(lows[slot]!);
    if (chains[chain] === slot) chains[chain] = nexts[slot]!;
    else {
      let before = chains[chain]!;
      while (nexts[before] !== slot) before = nexts[before]!;
      nexts[before] = nexts[slot]!;
    }
    streams[slot] = null;
  };
  const find = (tenant: string, id: string): number => {
    const low = lowOf(id);
    let slot = chains[chainOf(low)]!;
    if (slot === none) return none;
    const high = highOf(id);
    for (; slot !== none; slot = nexts[slot]!)
      if (lows[slot] === low && highs[slot] === high && streams[slot]!.startsWith(tenant) && streams[slot]![tenant.length] === ".") return slot;
    return none;
  };

  return {
    add(id, stream, revision) {
      const slot = oldest;
      oldest = (oldest + 1) % max;
      if (streams[slot] !== null) unlink(slot);
      const low = lowOf(id);
      const chain = chainOf(low);
      lows[slot] = low;
      highs[slot] = highOf(id);
      streams[slot] = stream;
      revisions[slot] = revision;
      nexts[slot] = chains[chain]!;
      chains[chain] = slot;
    },
    has: (tenant, id) => find(tenant, id) !== none,
    get(tenant, id) {
      const slot = find(tenant, id);
      return slot === none ? null : { stream: streams[slot]!, revision: revisions[slot]! };
    },
    delete(tenant, id) {
      for (let slot = find(tenant, id); slot !== none; slot = find(tenant, id)) unlink(slot);
    },
  };
}
