/** The fold of `reprise.cluster`. It is pure, so all instances know the same owners at the same generation. */
import type { ClusterEvent, ClusterStreamData, Move } from "../../../records/cluster.ts";
import { adopt } from "./adoption.ts";
import { type ClusterState, type Member, mayOwn, partitionKey } from "./cluster-state.ts";

export type StoredClusterEvent = ClusterEvent & { readonly revision: number; readonly recordedAt: string };

/** @param event of the stream, in order. `member.returned`, and one of an unknown type, of a later build, only counts. */
export function foldCluster(state: ClusterState, event: StoredClusterEvent): ClusterState {
  const folded = { ...state, generation: event.revision };
  switch (event.type) {
    case "member.joined":
      return adopt(joined(folded, event.data, event.recordedAt));
    case "member.draining":
      return adopt(drained(folded, event.data.instance));
    case "member.left":
      return adopt(left(folded, event.data.instance));
    case "partitions.moved":
      return moved(folded, event.data.moves);
    case "handler.partitioned":
      return adopt(partitioned(folded, event.data));
    default:
      return folded;
  }
}

/** A process that joins anew has given up its earlier id, which nobody would find silent, because the signs of life are the process's. */
function joined(state: ClusterState, data: ClusterStreamData["member.joined"], since: string): ClusterState {
  const { instance, build, catalog, weight, life } = data;
  const partitions = new Map(Object.entries(data.partitions));
  const members = new Map([...state.members].filter(([, member]) => member.life !== life));
  members.set(instance, { instance, build, catalog, weight, life, since, state: "active", partitions });
  const known = new Map(state.partitions);
  for (const [handler, of] of partitions) if (!known.has(handler)) known.set(handler, of);
  return { ...state, members, partitions: known };
}

function drained(state: ClusterState, instance: string): ClusterState {
  const member = state.members.get(instance);
  if (member === undefined) return state;
  return { ...state, members: new Map(state.members).set(instance, { ...member, state: "draining" }) };
}

/** What no member knows any more is forgotten with it: the next one that brings the handler says anew how many partitions it has. */
function left(state: ClusterState, instance: string): ClusterState {
  const members = new Map(state.members);
  members.delete(instance);
  const partitions = new Map(state.partitions);
  for (const handler of partitions.keys()) if (![...members.values()].some((member) => member.partitions.has(handler))) partitions.delete(handler);
  return { ...state, members, partitions };
}

/** A move whose partition has another owner by now, or whose heir may not have it, changes nothing. */
function moved(state: ClusterState, moves: readonly Move[]): ClusterState {
  const owners = new Map(state.owners);
  for (const { handler, partition, from, to } of moves) {
    const of = state.partitions.get(handler);
    const heir = state.members.get(to);
    if (of === undefined || heir === undefined || !mayOwn(heir, handler, of)) continue;
    const key = partitionKey(handler, of, partition);
    if (owners.get(key) === from) owners.set(key, to);
  }
  return { ...state, owners };
}

function partitioned(state: ClusterState, { handler, partitions: of }: ClusterStreamData["handler.partitioned"]): ClusterState {
  const members = new Map(
    Array.from(state.members, ([instance, member]): [string, Member] => {
      if (!member.partitions.has(handler)) return [instance, member];
      return [instance, { ...member, partitions: new Map(member.partitions).set(handler, of) }];
    }),
  );
  return { ...state, members, partitions: new Map(state.partitions).set(handler, of) };
}
