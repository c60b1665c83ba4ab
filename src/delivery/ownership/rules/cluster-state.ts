/** What the stream `reprise.cluster` says: its members, and the owner of each partition. */

export interface Member {
  readonly instance: string;
  readonly build: string;
  readonly catalog: string;
  readonly weight: number;
  readonly life: string;
  /** When its joining was recorded, on the log's clock; only shown. */
  readonly since: string;
  readonly state: "active" | "draining";
  /** Partitions of each handler in its config. */
  readonly partitions: ReadonlyMap<string, number>;
}

export interface ClusterState {
  /** Revision of the stream's last event; −1: nobody has ever joined. */
  readonly generation: number;
  readonly members: ReadonlyMap<string, Member>;
  /** How many partitions each handler has, of those that a member knows. */
  readonly partitions: ReadonlyMap<string, number>;
  /** By `partitionKey`. A partition that no member may have is left out. */
  readonly owners: ReadonlyMap<string, string>;
}

export const noCluster: ClusterState = { generation: -1, members: new Map(), partitions: new Map(), owners: new Map() };

/** As in the name of the partition's journal. */
export const partitionKey = (handler: string, of: number, partition: number): string => `${handler}-${of}-${partition}`;

/** Whether the member may get partitions of the handler: it is active, and divides the handler as all do. */
export function mayOwn({ state, partitions }: Member, handler: string, of: number): boolean {
  return state === "active" && partitions.get(handler) === of;
}
