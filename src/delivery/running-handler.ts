import type { Position } from "../event/event.ts";
import type { Act } from "../records/act.ts";
import type { Dispatcher, RunningCall } from "./dispatcher/dispatcher.ts";
import type { FoundLetter } from "./dispatcher/letter-acts.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { Instances } from "./inbox/instances.ts";
import type { Repaired } from "./journal/record-repair.ts";
import { type LaneSide, type LetterSide, routedLanes, routedLetters } from "./lane-routes.ts";
import { type Condition, conditionOf, conditionOfAll } from "./ownership/condition.ts";
import type { HandlerPlace } from "./ownership/handler-place.ts";
import { type Seat, takesActs } from "./ownership/seat.ts";
import type { Repartitioned } from "./repartition/repartition.ts";
import { type ReplaySide, routedReplays } from "./replay-routes.ts";

/** One handler in this process, in whatever condition it is. */
export interface RunningHandler {
  /** As the config has it. */
  readonly spec: HandlerSpec;
  /** Acts on dead letters. @throws NOT_OWNER while another instance works on the entity's partition, its fault while that stands still. */
  readonly letters: LetterSide;
  /** Acts on lanes. @throws as `letters` */
  readonly lanes: LaneSide;
  /** What it does for replays. @throws as `letters` */
  readonly replays: ReplaySide;
  /** Nothing of it starts until it is resumed; the position is that of the record. @throws as `letters` */
  pause(act: Act): Promise<Position>;
  /** @throws NOT_PAUSED, and as `letters` */
  resume(act: Act): Promise<Position>;
  /** Has events of its journal that are not the journal's own skipped, on record. @throws NOTHING_TO_REPAIR, NOT_OWNER */
  repair(act: Act): Promise<Repaired>;
  /** Divides its lanes into so many partitions. @throws REPARTITION_RUNNING, REPARTITION_REFUSED, NOT_OWNER, JOURNAL_DAMAGED, LOG_UNAVAILABLE */
  repartition(partitions: number, act: Act): Promise<Repartitioned>;
  /** What has become of it in this process; its pause is on record. */
  condition(): Condition;
  /** Its deliveries under way. */
  running(): readonly RunningCall[];
  /** A dead letter as its owner's journal has it, whichever instance that is. */
  readonly known: (stream: string, revision: number) => Promise<FoundLetter | undefined>;
  /** Whether another instance has the lane's partition. */
  isElsewhere(stream: string): boolean;
  /** Revisions of a lane's dead letters, in order; none when the journal could not be opened. Among several instances only those that came since this one listens. */
  lettersOf(stream: string): readonly number[];
  /** Lanes that a replay released and that have not passed what it held back. */
  followers(replayId: string): number;
  /** Events that these have still to pass, whether the handler wants them or not. */
  releasesLeft(replayId: string): number;
}

/** The handler's partitions, of so many, that stand still at other instances. */
type DamagedElsewhere = (handler: string, of: number) => readonly number[];

/**
 * Its dispatchers come and go, as other instances take over or a journal is repaired: each act asks for the one that works now.
 *
 * @param instances where several share the partitions: an act on a lane that another one has is asked of it. Null: they do not.
 */
export function makeRunningHandler(place: HandlerPlace, instances: Instances | null, damagedElsewhere: DamagedElsewhere): RunningHandler {
  const { spec, pauses } = place;
  const here = (stream: string) => place.seats.of(stream).mustWork();
  const seatElsewhere = (seat: Seat) => {
    const { fault, place: at } = seat;
    return instances === null || takesActs(seat) !== null || (fault !== null && fault.code !== "FENCED") ? null : { journal: at.journal, instances };
  };
  const elsewhere = (stream: string) => seatElsewhere(place.seats.of(stream));
  const allElsewhere = () => place.seats.all.flatMap((seat) => seatElsewhere(seat) ?? []);
  const hasLeft = ({ life }: Dispatcher) => instances !== null && life.isOver && (life.fault === null || life.fault.code === "FENCED");
  const routes = { here, elsewhere };
  const dispatchers = () => place.seats.all.flatMap(({ dispatcher }) => (dispatcher === null ? [] : [dispatcher]));
  return {
    spec,
    letters: routedLetters(routes),
    lanes: routedLanes(routes),
    replays: routedReplays({ all: () => (instances === null ? place.seats.someWorking() : place.seats.working()), here, hasLeft, elsewhere, allElsewhere }),
    async pause(act) {
      if (instances === null) place.seats.mustWork();
      return pauses.pause(act);
    },
    async resume(act) {
      if (instances === null) place.seats.mustWork();
      return pauses.resume(act);
    },
    repair: async (act) => place.repair(act, damagedElsewhere(spec.name, place.seats.all.length)),
    repartition: (partitions, act) => place.division.repartition(partitions, act),
    condition() {
      const { fault } = place.division;
      return fault === null ? conditionOfAll(place.seats.all.map((seat) => seat.condition())) : conditionOf(fault);
    },
    running: () => dispatchers().flatMap((dispatcher) => dispatcher.running()),
    async known(stream, revision) {
      const other = elsewhere(stream);
      if (other !== null) return other.instances.followed.find(other.journal, stream, revision);
      return place.seats.of(stream).dispatcher?.letters.find(stream, revision);
    },
    isElsewhere: (stream) => elsewhere(stream) !== null,
    lettersOf(stream) {
      const seat = place.seats.of(stream);
      return instances === null ? (seat.dispatcher?.letters.revisions(stream) ?? []) : instances.letters.of(seat.place.journal, stream);
    },
    followers: (replayId) => dispatchers().reduce((sum, { replays }) => sum + replays.followers(replayId), 0),
    releasesLeft: (replayId) => dispatchers().reduce((sum, { replays }) => sum + replays.releasesLeft(replayId), 0),
  };
}
