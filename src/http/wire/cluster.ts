/** The instances that share the log's work. */
import { z } from "zod";
import type { ClusterView } from "../../delivery/ownership/cluster/show-cluster.ts";
import { count } from "./reply-members.ts";

const memberStates = ["active", "draining"] as const;
const partitionStates = ["owned", "draining", "claiming", "unowned", "stopped"] as const;

export const clusterReply = z.strictObject({
  instance: z.string(),
  /** −1: nobody shares the work with this instance. */
  generation: z.int(),
  members: z.array(z.strictObject({ instance: z.string(), build: z.string(), catalog: z.string(), since: z.string(), state: z.enum(memberStates) })),
  partitions: z.array(
    z.strictObject({
      handler: z.string(),
      partition: count,
      owner: z.string().nullable(),
      epoch: count.nullable(),
      state: z.enum(partitionStates),
      fault: z.string().nullable(),
    }),
  ),
});

export const drainReply = z.strictObject({ instance: z.string(), state: z.literal("draining") });

export type ClusterReply = z.input<typeof clusterReply>;
export type DrainReply = z.input<typeof drainReply>;

export function toClusterReply({ instance, generation, members, partitions }: ClusterView): ClusterReply {
  return { instance, generation, members: members.map((member) => ({ ...member })), partitions: partitions.map((partition) => ({ ...partition })) };
}
