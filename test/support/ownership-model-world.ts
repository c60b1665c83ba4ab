/** What an instance of the random world sees of it. */
import type { StoredClusterEvent } from "../../src/delivery/ownership/rules/cluster-fold.ts";
import type { ClusterEvent } from "../../src/records/cluster.ts";

/** A fault that is planted, so that the world proves that it would see it. */
export type Mutant = "no_self_fence" | "no_own_beat" | "no_fold" | "no_fence";

export interface ClusterWorldOptions {
  readonly seed: number;
  readonly mutant?: Mutant;
  /** Seconds in which things go wrong; then all is healed. */
  readonly wildSeconds?: number;
}

export type Outcome = { readonly lane: number; readonly revision: number; readonly startMs: number; readonly endMs: number };
export type JournalRecord =
  | { readonly kind: "claimed"; readonly instance: string; readonly process: object }
  | { readonly kind: "progress"; readonly epoch: number; readonly outcomes: readonly Outcome[] }
  | { readonly kind: "released"; readonly epoch: number };

/** What a node of the log answers from: all of it, or, where it is cut off from the others, what it had then. */
export interface LogView {
  readonly cluster: readonly StoredClusterEvent[];
  readonly beats: ReadonlyMap<string, number>;
  readonly journals: ReadonlyMap<string, readonly JournalRecord[]>;
  /** Who claimed a journal last; null: it was released. */
  readonly holders: ReadonlyMap<string, string | null>;
}

/** As the world knows an instance. */
export interface Someone {
  readonly life: string;
  /** Its id as a member; null: it has none yet. */
  readonly name: string | null;
  readonly wallOffsetMs: number;
  /** Since when it is cut off. */
  readonly cutMs: number | null;
}

export interface WorldOfInstances extends LogView {
  readonly options: ClusterWorldOptions;
  readonly random: () => number;
  readonly nowMs: number;
  /** Nothing goes wrong any more, and answers come at once. */
  readonly isQuiet: boolean;
  readonly seen: { kept: number; fenced: number; rejoined: number };
  /** Tries it then, and every second until it returns true. */
  later(afterMs: number, run: () => boolean): void;
  beaten(life: string): number;
  /** @returns false when the stream is elsewhere. */
  appendCluster(by: Someone, event: ClusterEvent, expected: number): boolean;
  /** @returns false when the journal is elsewhere. */
  appendJournal(key: string, record: JournalRecord, expected: number): boolean;
  /** An instance decides that another one is silent. */
  accused(by: Someone, life: string): void;
  /** A call begins. */
  starts(by: Someone, key: string): void;
}

export const tickMs = 1000;
export const lanesPerPartition = 2;
