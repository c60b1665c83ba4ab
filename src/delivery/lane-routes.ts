/** Acts on lanes, brought to the partition that a lane belongs to. Each asks for the dispatcher that works now. */
import type { Dispatcher } from "./dispatcher/dispatcher.ts";
import type { LaneActs } from "./dispatcher/lane-acts.ts";
import type { LetterActs } from "./dispatcher/letter-acts.ts";

export type LetterSide = Pick<LetterActs, keyof LetterActs>;
export type LaneSide = Pick<LaneActs, keyof LaneActs>;
/** @throws NOT_OWNER while another instance works on the lane's partition, its fault while it stands still. */
type Find = (stream: string) => Dispatcher;

export function routedLetters(of: Find): LetterSide {
  return {
    find: (stream, revision) => of(stream).letters.find(stream, revision),
    revisions: (stream) => of(stream).letters.revisions(stream),
    event: async (stream, revision) => of(stream).letters.event(stream, revision),
    mayAct: (stream, revision, act) => of(stream).letters.mayAct(stream, revision, act),
    replay: async (request) => of(request.stream).letters.replay(request),
    discard: async (stream, revision, act) => of(stream).letters.discard(stream, revision, act),
    approve: async (stream, revision, act) => of(stream).letters.approve(stream, revision, act),
    reject: async (stream, revision, act) => of(stream).letters.reject(stream, revision, act),
    giveUp: async (stream, revision, about) => of(stream).letters.giveUp(stream, revision, about),
    amend: async (request) => of(request.stream).letters.amend(request),
  };
}

export function routedLanes(of: Find): LaneSide {
  return {
    pause: async (stream, act) => of(stream).lanes.pause(stream, act),
    resume: async (stream, act) => of(stream).lanes.resume(stream, act),
    retry: async (stream, act) => of(stream).lanes.retry(stream, act),
  };
}
