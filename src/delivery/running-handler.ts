import type { Position } from "../event/event.ts";
import type { Act } from "../records/act.ts";
import type { LaneActs } from "./dispatcher/lane-acts.ts";
import type { FoundLetter, LetterActs } from "./dispatcher/letter-acts.ts";
import type { ReplaySide } from "./dispatcher/replay-side.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { Condition } from "./ownership/condition.ts";
import type { Repaired, Seat } from "./ownership/seat.ts";

/** One handler in this process, in whatever condition it is. */
export interface RunningHandler {
  /** As the config has it. */
  readonly spec: HandlerSpec;
  /** Acts on dead letters. @throws NOT_OWNER while another instance works on the handler, its fault while it stands still. */
  readonly letters: LetterActs;
  /** Acts on lanes. @throws as `letters` */
  readonly lanes: LaneActs;
  /** What it does for replays. @throws as `letters` */
  readonly replays: ReplaySide;
  /** Nothing of it starts until it is resumed; the position is that of the record. @throws as `letters` */
  pause(act: Act): Promise<Position>;
  /** @throws NOT_PAUSED, and as `letters` */
  resume(act: Act): Promise<Position>;
  /** Has events of its journal that are not the journal's own skipped, on record. @throws NOTHING_TO_REPAIR, NOT_OWNER */
  repair(act: Act): Promise<Repaired>;
  /** What has become of it in this process; its pause is on record. */
  condition(): Condition;
  /** Its deliveries under way. `stuck`: the call goes on although its time-out is over. */
  running(): readonly { readonly stream: string; readonly revision: number; readonly stuck: boolean }[];
  /** A dead letter as this process knows it; undefined when the delivery is none, or the journal could not be opened. */
  letterAt(stream: string, revision: number): FoundLetter | undefined;
  /** Revisions of a lane's dead letters, in order; none when the journal could not be opened. */
  lettersOf(stream: string): readonly number[];
  /** Lanes that a replay released and that have not passed what it held back. */
  followers(replayId: string): number;
}

/** Its dispatcher comes and goes, as other instances take over or the journal is repaired: each act asks for the one that works now. */
export function makeRunningHandler(seat: Seat): RunningHandler {
  return {
    spec: seat.spec,
    get letters() {
      return seat.mustWork().letters;
    },
    get lanes() {
      return seat.mustWork().lanes;
    },
    get replays() {
      return seat.mustWork().replays;
    },
    pause: async (act) => seat.mustWork().pauses.pause(act),
    resume: async (act) => seat.mustWork().pauses.resume(act),
    repair: async (act) => seat.repair(act),
    condition: () => seat.condition(),
    running: () => seat.dispatcher?.running() ?? [],
    letterAt: (stream, revision) => seat.dispatcher?.letters.find(stream, revision),
    lettersOf: (stream) => seat.dispatcher?.letters.revisions(stream) ?? [],
    followers: (replayId) => seat.dispatcher?.replays.followers(replayId) ?? 0,
  };
}
