/** How many partitions each member has, over all and of one handler. */
import { type ClusterState, type Member, partitionKey } from "./cluster-state.ts";

interface Place {
  readonly key: string;
  readonly handler: string;
  readonly partition: number;
  readonly of: number;
}

/** All partitions of the cluster, in one order everywhere. */
export function placesOf({ partitions }: Pick<ClusterState, "partitions">): readonly Place[] {
  return Array.from(partitions)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([handler, of]) => Array.from({ length: of }, (_, partition) => ({ key: partitionKey(handler, of, partition), handler, partition, of })));
}

export class Load {
  readonly #all = new Map<string, number>();
  readonly #ofHandler = new Map<string, number>();

  add(instance: string, handler: string, count: 1 | -1 = 1): void {
    this.#all.set(instance, this.all(instance) + count);
    const key = `${instance} ${handler}`;
    this.#ofHandler.set(key, (this.#ofHandler.get(key) ?? 0) + count);
  }

  all(instance: string): number {
    return this.#all.get(instance) ?? 0;
  }

  of(instance: string, handler: string): number {
    return this.#ofHandler.get(`${instance} ${handler}`) ?? 0;
  }
}

/** The most that a member has when all have their share. */
export function shareOf(member: Member, members: readonly Member[], count: number): number {
  const weights = members.reduce((sum, { weight }) => sum + weight, 0);
  return Math.ceil((count * member.weight) / weights);
}
