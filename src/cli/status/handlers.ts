import type { HandlersReply } from "../../http/wire/service.ts";
import { countText } from "../print.ts";
import type { Matter } from "./matter.ts";
import { shellWord } from "./shell-word.ts";

type Handler = HandlersReply["handlers"][number];

/** A handler that stands still, and entities that stand still for one that works. */
export function handlerMatters(handler: Handler): readonly Matter[] {
  const still = standingStill(handler);
  return [...(still === null ? [] : [still]), ...laneMatters(handler)];
}

/** Null for one that works; for `standby`, because the instance that works on it has to say what is wrong; and for one that is gone and left nothing behind. */
function standingStill({ name, state, why, fault, waiting }: Handler): Matter | null {
  if (state === "running" || state === "standby" || (state === "absent" && waiting === 0)) return null;
  const word = shellWord(name) ?? "…";
  const next = {
    paused: `reprise handlers resume ${word}`,
    absent: `reprise handlers retire ${word} --reason 'not in the config any more'`,
    fenced: "reprise handlers ls",
    stopped: stoppedNext(word, fault),
  }[state];
  const waits = waiting === 0 ? "" : `; ${countText(waiting, "event")} ${waiting === 1 ? "waits" : "wait"} for it`;
  return { kind: "handler", wrong: true, handler: name, count: waiting, found: `Handler ${name} is ${state}${why === null ? "" : ` (${why})`}${waits}`, next };
}

function stoppedNext(word: string, fault: string | null): string {
  if (fault?.includes("JOURNAL_FOREIGN")) return `reprise handlers repair ${word} --reason 'another program wrote there'`;
  const into = /^REPARTITION_RUNNING\b.* into (\d+) partitions/.exec(fault ?? "")?.[1];
  return into === undefined ? "reprise doctor" : `reprise handlers repartition ${word} --partitions ${into}`;
}

const laneTexts = {
  stuck: "stuck: the call goes on though its time-out is over",
  paused: "paused",
  backing_off: "waiting for the next attempt",
} as const;

/** A lane that is blocked waits for one of both. */
function blockedText({ dead_lettered: dead, escalated }: Handler["by_status"]): string {
  return `held behind a ${[...(dead > 0 || escalated === 0 ? ["dead letter"] : []), ...(escalated > 0 ? ["decision that is open"] : [])].join(" or a ")}`;
}

function laneMatters({ name, state, lanes, by_status: byStatus }: Handler): readonly Matter[] {
  const word = shellWord(name) ?? "…";
  return (["stuck", "blocked", "paused", "backing_off"] as const)
    .filter((lane) => lanes[lane] > 0 && (lane !== "paused" || state === "running"))
    .map((lane) => {
      const count = lanes[lane];
      const text = lane === "blocked" ? blockedText(byStatus) : laneTexts[lane];
      const found = `${count} ${count === 1 ? "entity" : "entities"} of ${name} ${text}`;
      return { kind: "lanes", wrong: lane !== "backing_off", handler: name, count, found, next: `reprise entities ls --handler ${word} --lane-state ${lane}` };
    });
}
