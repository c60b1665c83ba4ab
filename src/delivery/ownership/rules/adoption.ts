/** Partitions without an owner get one at once. All others stay where they are, whoever comes or goes. */
import { type ClusterState, type Member, mayOwn } from "./cluster-state.ts";
import { Load, placesOf, shareOf } from "./load.ts";
import { byPreference } from "./rendezvous.ts";

/** The state with an owner for each partition that a member may have. An orphan goes to the member that suits it best and has less than its share. */
export function adopt(state: ClusterState): ClusterState {
  const places = placesOf(state);
  const owners = new Map<string, string>();
  const load = new Load();
  for (const { key, handler, of } of places) {
    const owner = state.owners.get(key);
    const member = owner === undefined ? undefined : state.members.get(owner);
    if (member === undefined || !mayOwn(member, handler, of)) continue;
    owners.set(key, member.instance);
    load.add(member.instance, handler);
  }
  for (const { key, handler, of } of places) {
    if (owners.has(key)) continue;
    const heirs = [...state.members.values()].filter((member) => mayOwn(member, handler, of));
    if (heirs.length === 0) continue;
    const heir = best(key, handler, of, heirs, { load, count: places.length });
    owners.set(key, heir.instance);
    load.add(heir.instance, handler);
  }
  return { ...state, owners };
}

function best(key: string, handler: string, of: number, heirs: readonly Member[], { load, count }: { readonly load: Load; readonly count: number }): Member {
  const inOrder = byPreference(
    key,
    heirs.map(({ instance }) => instance),
  ).map((instance) => heirs.find((heir) => heir.instance === instance)!);
  const hasRoom = (heir: Member) => load.of(heir.instance, handler) < shareOf(heir, heirs, of);
  return (
    inOrder.find((heir) => hasRoom(heir) && load.all(heir.instance) < shareOf(heir, heirs, count)) ??
    inOrder.find(hasRoom) ??
    inOrder.reduce((least, heir) => (load.of(heir.instance, handler) * least.weight < load.of(least.instance, handler) * heir.weight ? heir : least))
  );
}
