import type { Catalog } from "../../../catalog/catalog.ts";
import { RepriseError } from "../../../errors.ts";
import type { LastEnds } from "../../partition/ends.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";

export interface MakeClusterOptions extends Omit<ClusterOptions, "life" | "catalog"> {
  readonly ends: LastEnds;
  readonly catalog: Catalog;
  readonly projectBuild?: string | null;
}

/** @throws CONFIG_INVALID for a log that several processes cannot write at once */
export function makeCluster({ ends, catalog, projectBuild, build, ...options }: MakeClusterOptions): Cluster {
  if (options.log.beats === undefined) throw new RepriseError("CONFIG_INVALID", "Many instances can share a log on an EventStoreDB server only.");
  const { log, clock, newId, logger, name, seats, onChange, onMembers, beforeLeaving } = options;
  const needs = { log, clock, newId, logger, name, seats, onChange, onMembers, beforeLeaving };
  return new Cluster({ ...needs, life: ends.life, build: projectBuild ?? build, catalog: catalog.fingerprint });
}
