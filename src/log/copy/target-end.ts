import { RepriseError } from "../../errors.ts";
import type { Position } from "../../event/event.ts";
import type { Copied } from "./copied.ts";
import { isUnfinishedCopy, markCopy } from "./copy-marker.ts";
import type { CopyOptions } from "./copy-options.ts";
import { markOf } from "./copy-options.ts";
import type { CopyScratch } from "./copy-scratch.ts";
import type { Run } from "./run.ts";
import { isCopied, only, walk } from "./what-is-copied.ts";

/** The end of the target: appends events there, and learns their positions. */
export interface TargetEnd {
  /** Asked for before the first append: marks the target as an unfinished copy. */
  begin(): Promise<void>;
  /** Appends one run; answers where its events are, or null when the target does not say. */
  append(run: Run): Promise<readonly Position[] | null>;
  /** Pairs the positions in source and target of the sent events. When an answer is missing, it reads the stored events: they are in the order of sending. */
  record(sent: readonly Run[], places: readonly (readonly Position[] | null)[]): Promise<void>;
  /** Events stored so far. */
  stored(): number;
}

export function makeTargetEnd(options: CopyOptions, scratch: CopyScratch): TargetEnd {
  const { target } = options;
  let stored = 0;
  /** Position of the target's last event, once it is known. */
  let last: Position | null = null;

  const recordOne = ({ stream, position, isOwn }: Copied, at: Position): void => {
    if (at <= last!) throw new RepriseError("LOG_DAMAGED", `The target stored ${stream} at position ${at}, before what was appended earlier (${last}).`);
    last = at;
    if (!isOwn) scratch.pair(position, at);
    stored++;
  };

  return {
    async begin() {
      if (last !== null) return;
      if (!(await isUnfinishedCopy(target))) await markCopy(target, "copy.begun", markOf(options));
      last = await target.head();
    },
    async append({ stream, events: [first, ...rest] }) {
      const all = [first!, ...rest];
      const before = { recordedAt: all.map(({ recordedAt }) => recordedAt) };
      const news = all.map(({ event }) => event);
      const appended = await target.append(stream, news, first!.revision === 0 ? "none" : first!.revision - 1, before);
      const isOfEach = appended.every(({ position }, index) => index === 0 || position > appended[index - 1]!.position);
      return isOfEach ? appended.map(({ position }) => position) : null;
    },
    async record(sent, places) {
      if (!places.includes(null)) {
        for (const [index, run] of sent.entries()) for (const [at, one] of run.events.entries()) recordOne(one, places[index]![at]!);
        return;
      }
      const all = sent.flatMap(({ events: each }) => each);
      let seen = 0;
      for await (const event of only(walk(target, last!), (each) => isCopied(each))) {
        const one = all[seen++];
        if (event.id !== one?.event.id)
          throw new RepriseError("LOG_DAMAGED", `The target has ${event.stream} at position ${event.position}, which was not sent there.`);
        recordOne(one, event.position);
        if (seen === all.length) return;
      }
      throw new RepriseError("LOG_DAMAGED", `The target shows ${seen} of ${all.length} events that it has stored.`);
    },
    stored: () => stored,
  };
}
