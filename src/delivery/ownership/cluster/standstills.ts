/** Partitions that stand still until somebody repairs them. Only who has one knows it, and says it with each sign of life, so that any instance can be asked. */
import { z } from "zod";
import type { PartitionSeat } from "../partition-seat.ts";
import { partitionKey } from "../rules/cluster-state.ts";
import type { Standstill } from "../standstill.ts";

/** A sign of life names no more of them, and no longer texts, so that it stays small. */
const maxSaid = 64;
const maxText = 500;

const said = z.object({ stopped: z.array(z.object({ handler: z.string(), of: z.int(), partition: z.int(), fault: z.string() })) });

type Said = z.infer<typeof said>;

export class Standstills {
  readonly #seats: () => readonly PartitionSeat[];
  #elsewhere: ReadonlyMap<string, Standstill> | null = null;

  /** @param seats of this process. */
  constructor(seats: () => readonly PartitionSeat[]) {
    this.#seats = seats;
  }

  /** Whether it was heard yet what the others say. */
  get isHeard(): boolean {
    return this.#elsewhere !== null;
  }

  /** What this instance says of its own. */
  says(): Said | Record<string, never> {
    const stopped = this.#seats()
      .flatMap(({ handler, of, partition, standstill }) => (standstill === null ? [] : [{ handler, of, partition, fault: standstill.slice(0, maxText) }]))
      .slice(0, maxSaid);
    return stopped.length === 0 ? {} : { stopped };
  }

  /** @param all what each other member said last, by instance: a build of before says nothing. */
  heard(all: ReadonlyMap<string, unknown>): void {
    const known = new Map<string, Standstill>();
    for (const [instance, says] of all)
      for (const { handler, of, partition, fault } of said.safeParse(says).data?.stopped ?? [])
        known.set(partitionKey(handler, of, partition), { instance, partition, fault });
    this.#elsewhere = known;
  }

  /** Null: nobody says that it stands still. @param instance this one, as it takes part. */
  of(handler: string, of: number, partition: number, instance: string): Standstill | null {
    const here = this.#seats().find((seat) => seat.handler === handler && seat.of === of && seat.partition === partition);
    if (here !== undefined && here.standstill !== null) return { instance, partition, fault: here.standstill };
    return this.#elsewhere?.get(partitionKey(handler, of, partition)) ?? null;
  }

  /** Those of the handler's partitions that stand still at other instances. */
  elsewhere(handler: string, of: number): readonly Standstill[] {
    const all = this.#elsewhere;
    if (all === null || all.size === 0) return [];
    return Array.from({ length: of }, (_, partition) => all.get(partitionKey(handler, of, partition)) ?? []).flat();
  }
}
