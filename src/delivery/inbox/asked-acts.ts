/** The acts that may be asked of a partition's owner, and doing them there. */
import { RepriseError } from "../../errors.ts";
import type { Json } from "../../event/event.ts";
import type { Act } from "../../records/act.ts";
import type { AttemptError } from "../../records/attempt.ts";
import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import type { LetterReplayRequest } from "../dispatcher/letter-acts.ts";
import type { LetterReplayEnd, Withdrawal } from "../partition/letter.ts";
import type { AskedDelivery, LentLane, LentLanes } from "./lent-lanes.ts";
import type { ToldLoanEnd } from "./told-loan.ts";

interface Letter {
  readonly stream: string;
  readonly revision: number;
}

export interface AskedActs {
  "letter.discard": Letter;
  "letter.approve": Letter;
  "letter.reject": Letter;
  "letter.give_up": Letter & { readonly error: AttemptError };
  "letter.amend": Letter & { readonly data: Json };
  "letter.replay": Omit<LetterReplayRequest, "actor" | "reason">;
  "lane.pause": { readonly stream: string };
  "lane.resume": { readonly stream: string };
  "lane.retry": { readonly stream: string };
  "lane.deliver": AskedDelivery;
  "lane.take_back": LentLane & { readonly how: Withdrawal };
  "lane.return": LentLane;
  "replay.withdraw": { readonly replayId: string; readonly how: Withdrawal };
}

export type AskedAct = { readonly [A in keyof AskedActs]: { readonly act: A; readonly args: AskedActs[A] } }[keyof AskedActs];

/** What an act came to that leaves no fact of its own, or whose fact does not say it all. */
export type ToldEnd = LetterReplayEnd | ToldLoanEnd | null;

/** Where acts are done. */
export interface Bench {
  readonly dispatcher: Dispatcher;
  readonly lent: LentLanes;
  /** An owner that did not release the partition was asked before. */
  readonly isAgain: boolean;
}

/** Does it. The fact that it leaves in the journal carries the act, with its `actId`. @returns undefined where that fact is the answer. */
export async function perform({ dispatcher, lent, isAgain }: Bench, asked: AskedAct, act: Act): Promise<ToldEnd | undefined> {
  const { letters, lanes, replays } = dispatcher;
  switch (asked.act) {
    case "letter.discard":
      return void (await letters.discard(asked.args.stream, asked.args.revision, act));
    case "letter.approve":
      return void (await letters.approve(asked.args.stream, asked.args.revision, act));
    case "letter.reject":
      return void (await letters.reject(asked.args.stream, asked.args.revision, act));
    case "letter.give_up":
      return void (await letters.giveUp(asked.args.stream, asked.args.revision, { error: asked.args.error, act }));
    case "letter.amend":
      return void (await letters.amend({ ...asked.args, act }));
    case "letter.replay":
      return toldEnd((await letters.replay({ ...asked.args, actor: act.actor, reason: act.reason })).end);
    case "lane.pause":
      return void (await lanes.pause(asked.args.stream, act));
    case "lane.resume":
      return void (await lanes.resume(asked.args.stream, act));
    case "lane.retry":
      return void (await lanes.retry(asked.args.stream, act));
    case "lane.deliver":
      return lent.deliver(dispatcher, asked.args, isAgain);
    case "lane.take_back":
      lent.takeBack(asked.args, asked.args.how);
      return null;
    case "lane.return":
      lent.giveBack(asked.args);
      return null;
    case "replay.withdraw":
      await replays.withdraw(asked.args.replayId, asked.args.how);
      return null;
    default:
      throw new RepriseError("REQUEST_INVALID", `This build does not know the act ${JSON.stringify((asked as { act: unknown }).act)}.`);
  }
}

/** What was delivered, or failed, has a fact that bears the replay's id. */
const toldEnd = (end: LetterReplayEnd): LetterReplayEnd | undefined => (end.outcome === "replayed" || end.outcome === "dead_lettered" ? undefined : end);
