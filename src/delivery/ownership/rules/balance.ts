/** How an instance gives away what it has beyond its share: by itself, a few partitions at a time. */
import type { Move } from "../../../records/cluster.ts";
import { type ClusterState, type Member, mayOwn } from "./cluster-state.ts";
import { drainMs } from "./hand-over.ts";
import { Load, placesOf } from "./load.ts";
import { byPreference } from "./rendezvous.ts";

/** The most partitions that change their owner in one step. */
export function stepOf(partitions: number): number {
  return Math.max(1, Math.floor(partitions / 4));
}

/**
 * The next step of `instance` towards an even share: at most a quarter of all partitions, those with long calls last, and none with a call that a drain would
 * not outlast. Each move makes the shares more even, so steps come to an end.
 */
export function movesOf(state: ClusterState, instance: string, oldestCallMs: (key: string) => number): readonly Move[] {
  const places = placesOf(state);
  const giver = state.members.get(instance);
  if (giver === undefined) return [];
  const load = new Load();
  for (const { key, handler } of places) {
    const owner = state.owners.get(key);
    if (owner !== undefined) load.add(owner, handler);
  }
  const mine = places
    .filter(({ key }) => state.owners.get(key) === instance && oldestCallMs(key) < drainMs)
    .toSorted((a, b) => oldestCallMs(a.key) - oldestCallMs(b.key));
  const moves: Move[] = [];
  for (const lighter of [ofHandler, overAll])
    for (const { key, handler, partition, of } of mine) {
      if (moves.length >= stepOf(places.length)) return moves;
      if (moves.some((move) => move.handler === handler && move.partition === partition)) continue;
      const heirs = [...state.members.values()].filter((member) => member !== giver && mayOwn(member, handler, of) && lighter(load, giver, member, handler));
      const [to] = byPreference(
        key,
        lightest(heirs, (heir) => load.of(heir.instance, handler)).map((heir) => heir.instance),
      );
      if (to === undefined) continue;
      moves.push({ handler, partition, from: instance, to });
      load.add(instance, handler, -1);
      load.add(to, handler);
    }
  return moves;
}

function ofHandler(load: Load, giver: Member, heir: Member, handler: string): boolean {
  return (load.of(heir.instance, handler) + 1) * giver.weight < load.of(giver.instance, handler) * heir.weight;
}

/** Handlers with few partitions are even each by itself, and one instance may have all of them. */
function overAll(load: Load, giver: Member, heir: Member, handler: string): boolean {
  const isEven = load.of(heir.instance, handler) * giver.weight < load.of(giver.instance, handler) * heir.weight;
  return isEven && (load.all(heir.instance) + 1) * giver.weight < load.all(giver.instance) * heir.weight;
}

function lightest(members: readonly Member[], loadOf: (member: Member) => number): readonly Member[] {
  const share = (member: Member) => loadOf(member) / member.weight;
  const least = members.reduce((least, member) => Math.min(least, share(member)), Number.POSITIVE_INFINITY);
  return members.filter((member) => share(member) === least);
}
