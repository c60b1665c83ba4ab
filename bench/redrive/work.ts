/** The work that each contestant does, and the receiver that judges it. */
import { readFileSync } from "node:fs";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { sampleOrder } from "../samples.ts";

/** One of an entity's items. `rank` counts them from 0, in the order in which they were sent. */
export interface Item {
  readonly entity: number;
  readonly rank: number;
  readonly order: unknown;
}

/** Items of each entity. */
export const ofEach = 20;
/** Items in work at once, for all who can say it. */
export const concurrency = 64;

/** Round after round over all entities, as traffic comes. */
export function itemsOf(count: number): readonly Item[] {
  const entities = count / ofEach;
  return Array.from({ length: count }, (_, number) => ({
    entity: number % entities,
    rank: Math.floor(number / entities),
    order: sampleOrder(number).data,
  }));
}

/** One of each entity in each: they are sent round by round, because some stores know no order between items that came together. */
export function roundsOf(items: readonly Item[]): readonly (readonly Item[])[] {
  const size = items.length / ofEach;
  return Array.from({ length: ofEach }, (_, round) => items.slice(round * size, (round + 1) * size));
}

export interface Judgement {
  /** Items that were begun before an earlier item of their entity was done. */
  readonly violations: number;
  /** Items that were done again. */
  readonly repeats: number;
}

/** With `uneven`, one item of so many takes so long. */
const slowOneOf = 101;
const slowMs = 100;

/** Fails each item while it is down. Afterwards an item takes one turn of the event loop, as the shortest call elsewhere does. */
export class Receiver {
  down = true;
  readonly #count: number;
  readonly #isUneven: boolean;
  #taken = 0;
  #done = 0;
  #violations = 0;
  #repeats = 0;
  /** Which ranks of each entity are done, and how many of them without a gap. */
  readonly #lanes: readonly { readonly ranks: Set<number>; without: number }[];
  readonly #all = Promise.withResolvers<void>();

  constructor(count: number, isUneven: boolean) {
    this.#count = count;
    this.#isUneven = isUneven;
    this.#lanes = Array.from({ length: count / ofEach }, () => ({ ranks: new Set(), without: 0 }));
  }

  /** Handles an item. @throws while it is down. */
  async take({ entity, rank }: Pick<Item, "entity" | "rank">): Promise<void> {
    if (this.down) throw new Error("the receiver is down");
    const lane = this.#lanes[entity]!;
    if (lane.without < rank) this.#violations++;
    if (this.#isUneven && ++this.#taken % slowOneOf === 0) await wait(slowMs);
    else await nextTurn();
    if (lane.ranks.has(rank)) this.#repeats++;
    else if (++this.#done === this.#count) this.#all.resolve();
    lane.ranks.add(rank);
    while (lane.ranks.has(lane.without)) lane.without++;
  }

  /** Resolves when each item was handled. */
  all(): Promise<void> {
    return this.#all.promise;
  }

  judgement(): Judgement {
    return { violations: this.#violations, repeats: this.#repeats };
  }
}

/** One run of a contestant, on a store of its own. */
export interface Run {
  /** Stores all items and lets each fail, or wait behind one that failed. Not timed. */
  fail(): Promise<void>;
  /** What an operator does then. Timed, until the receiver has all of them. */
  redrive(): Promise<void>;
  close(): Promise<void>;
}

export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** How it was told to send again, and what its records survive. */
  readonly how: string;
  open(items: readonly Item[], receiver: Receiver): Promise<Run>;
}

/** @param folder the `node_modules` that holds it, from here. */
export function versionOf(packageName: string, folder = "./node_modules"): string {
  return JSON.parse(readFileSync(new URL(`${folder}/${packageName}/package.json`, import.meta.url), "utf8")).version;
}

/** Looks until it is so. @throws after two minutes. */
export async function until(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const endMs = performance.now() + 120_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`Not seen within two minutes: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let names = 0;
/** A name that no run before has. */
export const freshName = () => `reprise_redrive_${process.pid}_${Date.now()}_${++names}`;
