import { readFileSync } from "node:fs";
import type { NewEvent } from "../../src/event/event.ts";
import type { Benchmark, Run } from "../measure.ts";
import { sampleOrder } from "../samples.ts";

/** A benchmark of Reprise whose floor is a peer that does the same work. */
export interface PeerRow {
  readonly peer: string;
  readonly version: string;
  /** What a resolved append of the peer survives, and how the peer was used where that matters. */
  readonly durability: string;
  readonly benchmark: Benchmark;
}

/** The peer's run may be shorter than Reprise's: each is divided by its own time. */
export interface PeerWork extends Run {
  close(): Promise<void>;
}

/** @param target what Reprise's rate divided by the peer's has to reach. */
export function beside({ target: _ofTheFloor, ...reprise }: Benchmark, openPeer: (scale: number) => Promise<PeerWork>, target?: number): Benchmark {
  return {
    ...reprise,
    ...(target === undefined ? {} : { target }),
    async prepare(scale) {
      const ours = await reprise.prepare(scale);
      const peer = await openPeer(scale);
      return {
        subject: ours.subject,
        floor: {
          async before() {
            await ours.floor.before?.(); // puts away what Reprise's run has left open
            await peer.before?.();
          },
          go: peer.go,
        },
        async close() {
          await peer.close();
          await ours.close();
        },
      };
    },
  };
}

export function benchmarkNamed(name: string, benchmarks: readonly Benchmark[]): Benchmark {
  const found = benchmarks.find((benchmark) => benchmark.name === name);
  if (found === undefined) throw new Error(`Reprise has no benchmark ${name}.`);
  return found;
}

/** @param folder the `node_modules` that holds it, from here. */
export function versionOf(packageName: string, folder = "./node_modules"): string {
  return JSON.parse(readFileSync(new URL(`${folder}/${packageName}/package.json`, import.meta.url), "utf8")).version;
}

export function orders(count: number): readonly NewEvent[] {
  return Array.from({ length: count }, (_, index) => sampleOrder(index));
}

/** What Reprise stores beside the data, for peers that keep metadata. */
export function metadataOf({ schemaVersion, source, occurredAt, metadata }: NewEvent): Record<string, unknown> {
  return { schemaVersion, source, occurredAt, ...metadata };
}

/** So many callers at once, each with one call in flight. */
export async function callers(count: number, calls: number, call: (caller: number, turn: number) => Promise<unknown>): Promise<void> {
  const one = async (caller: number) => {
    for (let turn = 0; turn < calls; turn++) await call(caller, turn);
  };
  await Promise.all(Array.from({ length: count }, (_, caller) => one(caller)));
}
