/** The cluster as one instance knows it, for whoever runs it. */
import { journalStream } from "../../../event/names.ts";
import { type ClusterState, partitionKey } from "../rules/cluster-state.ts";
import type { KnownHolder } from "./holders.ts";
import type { Standstills } from "./standstills.ts";

export interface ShownMember {
  readonly instance: string;
  readonly build: string;
  readonly catalog: string;
  readonly since: string;
  readonly state: "active" | "draining";
}

export interface ShownPartition {
  readonly handler: string;
  readonly partition: number;
  /** Who works on it, or is to. Null: nobody. */
  readonly owner: string | null;
  readonly epoch: number | null;
  /** `draining`: its owner lets go of it, for another. `claiming`: its owner is about to work on it. `stopped`: it stands still there until it is repaired. */
  readonly state: "owned" | "draining" | "claiming" | "unowned" | "stopped";
  /** Why it is `stopped`, as `<code>: <message>`; null: it is not. */
  readonly fault: string | null;
}

export interface ClusterView {
  readonly instance: string;
  readonly generation: number;
  readonly members: readonly ShownMember[];
  readonly partitions: readonly ShownPartition[];
}

interface Known {
  readonly holderOf: (journal: string) => KnownHolder;
  readonly standstills: Pick<Standstills, "of">;
}

export function showCluster(instance: string, state: ClusterState, { holderOf, standstills }: Known): ClusterView {
  const { generation, members, owners } = state;
  const shown = Array.from(state.partitions).flatMap(([handler, of]) =>
    Array.from({ length: of }, (_, partition): ShownPartition => {
      const heir = owners.get(partitionKey(handler, of, partition)) ?? null;
      const holder = holderOf(journalStream(handler, of, partition));
      const place = { handler, partition, fault: null };
      const stopped = standstills.of(handler, of, partition, instance);
      if (stopped !== null) return { ...place, owner: stopped.instance, epoch: null, state: "stopped", fault: stopped.fault };
      if (holder.instance !== null && members.has(holder.instance))
        return { ...place, owner: holder.instance, epoch: holder.epoch, state: holder.instance === heir ? "owned" : "draining" };
      return { ...place, owner: heir, epoch: null, state: heir === null ? "unowned" : "claiming" };
    }),
  );
  return {
    ...{ instance, generation },
    members: Array.from(members.values(), ({ instance: id, build, catalog, since, state: standing }) => ({
      instance: id,
      build,
      catalog,
      since,
      state: standing,
    })),
    partitions: shown,
  };
}
