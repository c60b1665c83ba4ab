/** The partitions that this instance gives away by itself, for an even share, and those that it takes back. */
import type { Move } from "../../../records/cluster.ts";
import { type ClusterState, partitionKey } from "./cluster-state.ts";

export class Gifts {
  readonly #given = new Set<string>();
  /** Of these, a call did not end in time. */
  readonly #kept = new Set<string>();

  gave({ handler, partition }: Move, { partitions }: ClusterState): void {
    this.#given.add(partitionKey(handler, partitions.get(handler) ?? 0, partition));
  }

  isGiven(key: string): boolean {
    return this.#given.has(key);
  }

  keep(key: string): void {
    this.#kept.add(key);
  }

  isKept(key: string): boolean {
    return this.#kept.has(key);
  }

  /** It is gone, or here to stay. */
  done(key: string): void {
    this.#given.delete(key);
    this.#kept.delete(key);
  }

  /** What is kept goes back from its heirs to `to`. */
  takenBack({ owners, partitions }: ClusterState, to: string): readonly Move[] {
    return Array.from(this.#kept, (key) => {
      const [, handler = "", of, partition] = /^(.+)-(\d+)-(\d+)$/.exec(key)!;
      const from = owners.get(key);
      return partitions.get(handler) === Number(of) && from !== undefined ? [{ handler, partition: Number(partition), from, to }] : [];
    }).flat();
  }
}
