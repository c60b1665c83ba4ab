/** The instances that share the log's work, and the act on them. */
import type { ClusterView, ShownPartition } from "../delivery/ownership/cluster/show-cluster.ts";
import type { PartitionSeat } from "../delivery/ownership/partition-seat.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import { type Clock, toIso } from "../event/clock.ts";
import { type ActOptions, actOf } from "./caller.ts";

export interface ClusterActs {
  /** Who takes part, and who works on which partition, as this instance knows it. An instance alone is a cluster of one, of generation −1. */
  cluster(): ClusterView;
  /** The instance gives its partitions to others and gets no more, until its process ends. @throws NOT_FOUND, REQUEST_INVALID for an instance alone */
  drainInstance(instance: string, options?: ActOptions): Promise<void>;
}

interface ClusterNeeds {
  readonly delivery: Pick<RunningHandlers, "cluster" | "partitions" | "instance">;
  readonly clock: Clock;
  readonly build: string;
  readonly catalog: { readonly fingerprint: string };
}

export function makeClusterActs({ delivery, clock, build, catalog }: ClusterNeeds): ClusterActs {
  const since = toIso(clock.now());
  const { instance } = delivery;
  return {
    cluster: () =>
      delivery.cluster?.shown() ?? {
        ...{ instance, generation: -1 },
        members: [{ instance, build, catalog: catalog.fingerprint, since, state: "active" }],
        partitions: delivery.partitions().map((seat) => partitionOfOne(seat, instance)),
      },
    async drainInstance(asked, options = {}) {
      const { cluster } = delivery;
      if (cluster !== null) await cluster.drain(asked, actOf(options));
      else if (asked === instance)
        throw new RepriseError("REQUEST_INVALID", "This instance is alone (REPRISE_INSTANCES is one): no other could take its partitions. Stop it instead.");
      else throw new RepriseError("NOT_FOUND", `There is no instance ${asked}: this one, ${instance}, is alone.`);
    },
  };
}

function partitionOfOne({ handler, partition, state, epoch, standstill: fault }: PartitionSeat, instance: string): ShownPartition {
  if (fault !== null) return { handler, partition, owner: instance, epoch: null, state: "stopped", fault };
  return { handler, partition, owner: state === "unowned" ? null : instance, epoch, state, fault };
}
