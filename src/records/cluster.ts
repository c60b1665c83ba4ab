/** The events of `reprise.cluster`: which instances share the log's work, and who works on what. Stored formats: they only ever grow. */
import type { Act } from "./act.ts";

/** A partition that changes its owner. */
export interface Move {
  readonly handler: string;
  readonly partition: number;
  readonly from: string;
  readonly to: string;
}

export interface ClusterStreamData {
  /** An instance begins to take part. It has a new id at every start. */
  "member.joined": {
    readonly instance: string;
    readonly build: string;
    readonly catalog: string;
    /** Its share of the work, relative to others: 1 for everyone, so far. */
    readonly weight: number;
    /** Id of the process, which its signs of life carry. */
    readonly life: string;
    /** Partitions of each handler in its config. */
    readonly partitions: Readonly<Record<string, number>>;
  };
  /** It gives its partitions away and gets no more: it stops, or an operator asked for it. */
  "member.draining": { readonly instance: string; readonly by: string; readonly act?: Act };
  /** It gave no sign of life for so long that others may have come to a verdict; this event makes void what they have not stored. */
  "member.returned": { readonly instance: string };
  /** `clean`: it said so itself, after it had released all. `silent`: another one (`by`) heard nothing of it for too long. */
  "member.left": { readonly instance: string; readonly by: string; readonly why: "clean" | "silent" };
  /** One step towards an even share: the owner itself gives partitions away, or takes one back that it could not let go of. */
  "partitions.moved": { readonly by: string; readonly moves: readonly Move[] };
  /** The handler's lanes are divided into so many partitions from now on. */
  "handler.partitioned": { readonly handler: string; readonly partitions: number };
}

export type ClusterEventType = keyof ClusterStreamData;
export type ClusterEvent = { readonly [T in ClusterEventType]: { readonly type: T; readonly data: ClusterStreamData[T] } }[ClusterEventType];
