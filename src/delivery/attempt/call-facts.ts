import type { HandlerContext } from "../handler-context.ts";
import type { AttemptRequest } from "./attempt.ts";

/** What a function is told of its call that is known from the beginning. */
export class CallFacts {
  readonly attempt: number;
  readonly replay: HandlerContext["replay"];
  readonly approval: HandlerContext["approval"];

  constructor({ attempt, replay, approval = null }: Pick<AttemptRequest, "attempt" | "replay" | "approval">) {
    this.attempt = attempt;
    this.replay = replay && { id: replay.id, reason: replay.reason, mode: replay.mode };
    this.approval = approval;
  }
}
