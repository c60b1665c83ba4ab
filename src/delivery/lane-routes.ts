/** Acts on lanes, brought to the partition that a lane belongs to: to its dispatcher here, or to the instance that owns it. */
import type { Json, StoredEvent } from "../event/event.ts";
import type { AppendedEvent } from "../log/event-log.ts";
import type { Act } from "../records/act.ts";
import type { AskedEnd, JournalData } from "../records/journal.ts";
import type { Dispatcher } from "./dispatcher/dispatcher.ts";
import type { LaneActs } from "./dispatcher/lane-acts.ts";
import type { LetterActs, LetterReplayRequest } from "./dispatcher/letter-acts.ts";
import type { LetterReplayed } from "./dispatcher/replies.ts";
import type { AskedAct } from "./inbox/asked-acts.ts";
import { outcomeKey } from "./inbox/asker.ts";
import type { Instances } from "./inbox/instances.ts";
import type { NextTurn } from "./partition/lane-loan.ts";
import type { LetterReplayEnd } from "./partition/letter.ts";

/** A replay that another owner of the lane is asked for as well, unless nobody wants it any more by then. */
export interface RoutedReplay extends Omit<LetterReplayRequest, "turnByTurn"> {
  readonly stillWanted?: () => boolean;
  /** Takes a turn for each further attempt, where another instance makes it. Null: no rate binds the replay. */
  readonly nextTurn?: NextTurn | null;
}

export interface LetterSide extends Pick<LetterActs, Exclude<keyof LetterActs, "replay">> {
  replay(request: RoutedReplay): ReturnType<LetterActs["replay"]>;
}
export type LaneSide = Pick<LaneActs, "pause" | "resume" | "retry">;

export interface Routes {
  /** @throws NOT_OWNER while another instance works on the lane's partition, its fault while it stands still. */
  readonly here: (stream: string) => Dispatcher;
  /** The journal of the lane's partition, where the act is another instance's; null: it is done here. */
  readonly elsewhere: (stream: string) => { readonly journal: string; readonly instances: Instances } | null;
}

/** Asks the owner of the lane's partition; null: it is this instance. */
function ask({ elsewhere }: Routes, stream: string, asked: AskedAct, act: Act): Promise<StoredEvent> | null {
  const other = elsewhere(stream);
  return other === null ? null : other.instances.asker.ask(other.journal, asked, act);
}

const appendedOf = ({ id, revision, position, recordedAt }: StoredEvent): AppendedEvent => ({ id, revision, position, recordedAt, duplicate: false });

export function routedLetters(routes: Routes): LetterSide {
  const { here, elsewhere } = routes;
  const asked = async (stream: string, asked: AskedAct, act: Act, own: () => Promise<AppendedEvent>): Promise<AppendedEvent> => {
    const answer = ask(routes, stream, asked, act);
    return answer === null ? own() : appendedOf(await answer);
  };
  return {
    find: (stream, revision) => (elsewhere(stream) === null ? here(stream).letters.find(stream, revision) : undefined),
    revisions: (stream) => (elsewhere(stream) === null ? here(stream).letters.revisions(stream) : []),
    async event(stream, revision) {
      const other = elsewhere(stream);
      return other === null ? here(stream).letters.event(stream, revision) : other.instances.followed.letter(other.journal, stream, revision);
    },
    mayAct(stream, revision, act) {
      if (elsewhere(stream) === null) here(stream).letters.mayAct(stream, revision, act); // otherwise its owner judges
    },
    async replay(request) {
      const { stillWanted: _, nextTurn = null, ...terms } = request;
      for (;;) {
        const other = elsewhere(request.stream);
        if (other === null) return here(request.stream).letters.replay(terms);
        const { end, position } = await askedReplay(request, other);
        if (end.outcome !== "awaits_turn") return { end, position };
        const turn = nextTurn?.(end.inMs) ?? Promise.resolve(true);
        const ended = await other.instances.asker.endOf(request, turn); // an operator may end it meanwhile
        if (ended !== null) return { end: endOf(ended.type, ended.data), position: ended.position };
        if (!(await turn)) return { end: { outcome: "withdrawn" }, position: 0n };
      }
    },
    async discard(stream, revision, act) {
      const answer = ask(routes, stream, { act: "letter.discard", args: { stream, revision } }, act);
      return answer === null ? here(stream).letters.discard(stream, revision, act) : (await answer).position;
    },
    approve: (stream, revision, act) =>
      asked(stream, { act: "letter.approve", args: { stream, revision } }, act, async () => here(stream).letters.approve(stream, revision, act)),
    reject: (stream, revision, act) =>
      asked(stream, { act: "letter.reject", args: { stream, revision } }, act, async () => here(stream).letters.reject(stream, revision, act)),
    async giveUp(stream, revision, about) {
      const answer = ask(routes, stream, { act: "letter.give_up", args: { stream, revision, error: about.error } }, about.act);
      return answer === null ? here(stream).letters.giveUp(stream, revision, about) : (await answer).position;
    },
    amend({ act, ...about }) {
      return asked(about.stream, { act: "letter.amend", args: about }, act, async () => here(about.stream).letters.amend({ ...about, act }));
    },
  };
}

/** It waits as long as the replay takes, over however many owners: who asks for it is a job. */
async function askedReplay(
  { actor, reason, stillWanted, nextTurn = null, ...about }: RoutedReplay,
  { journal, instances }: { readonly journal: string; readonly instances: Instances },
): Promise<LetterReplayed> {
  const args = { ...about, ...(nextTurn !== null && { turnByTurn: true }) };
  const told = { patient: true, outcome: outcomeKey(about), ...(stillWanted && { stillWanted }) };
  const { type, data, position } = await instances.asker.ask(journal, { act: "letter.replay", args }, { actor, reason }, told);
  return { end: endOf(type, data), position };
}

function endOf(type: string, data: Json): LetterReplayEnd {
  if (type === "act.done") return ((data as unknown as JournalData["act.done"]).end as AskedEnd | null) ?? { outcome: "withdrawn" };
  if (type === "delivery.dead_lettered") return { outcome: "dead_lettered", error: (data as unknown as JournalData["delivery.dead_lettered"]).error };
  const { outcome, act } = data as unknown as JournalData["delivery.settled"];
  return outcome === "replayed" ? { outcome } : { outcome: "skipped", reason: act.reason ?? outcome };
}

export function routedLanes(routes: Routes): LaneSide {
  const route =
    (verb: keyof LaneSide): LaneSide["pause"] =>
    async (stream, act) => {
      const answer = ask(routes, stream, { act: `lane.${verb}`, args: { stream } }, act);
      return answer === null ? routes.here(stream).lanes[verb](stream, act) : (await answer).position;
    };
  return { pause: route("pause"), resume: route("resume"), retry: route("retry") };
}
