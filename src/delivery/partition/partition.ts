/**
 * The rules of one handler's partition: lanes, letters, checkpoint, flushes, recovery (docs/rules.md, Lanes). No I/O, no clock: the dispatcher feeds it events
 * and outcomes, and does what it says. Dropping it and folding the journal again is a crash; the random model drives exactly these pieces.
 */
import { Agenda } from "./agenda.ts";
import { Checkpoint } from "./checkpoint.ts";
import { Decisions } from "./decisions.ts";
import { Facts } from "./facts.ts";
import { Flushes } from "./flushes.ts";
import type { Lane } from "./lane.ts";
import { LaneActs } from "./lane-acts.ts";
import { LaneBook } from "./lane-book.ts";
import { LaneMoves } from "./lane-moves.ts";
import { Leave } from "./leave.ts";
import { LetterOutcomes } from "./letter-outcomes.ts";
import { Letters } from "./letters.ts";
import { LiveOutcomes } from "./live-outcomes.ts";
import { LoanOutcomes } from "./loan-outcomes.ts";
import { Loans } from "./loans.ts";
import { OpenDecisions } from "./open-decisions.ts";
import type { PartitionOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { PacedLanes } from "./paced-lanes.ts";
import { Parts } from "./parts.ts";
import { Readiness } from "./readiness.ts";
import { Reading } from "./reading.ts";
import { Recorder } from "./recorder.ts";
import { type Recovered, recover } from "./recovery.ts";
import { Replays } from "./replays.ts";
import { Schedule } from "./schedule.ts";
import { Slots } from "./slots.ts";
import { Starts } from "./starts.ts";
import { Suspects } from "./suspects.ts";
import { Ticks } from "./ticks.ts";
import { Unrecorded } from "./unrecorded.ts";
import { WakeUps } from "./wake-ups.ts";

/** Puts the pieces together, each with those that it needs. */
export class Partition {
  readonly reading: Reading;
  readonly schedule: Schedule;
  readonly suspects: Suspects;
  readonly outcomes: Outcomes;
  readonly parts: Parts;
  readonly ticks: Ticks;
  readonly flushes: Flushes;
  readonly letters: Letters;
  readonly decisions: Decisions;
  readonly lanes: LaneActs;
  readonly replays: Replays;
  readonly loans: Loans;

  constructor(options: PartitionOptions, recovered: Recovered) {
    const { state } = recovered;
    const [book, checkpoint, recorder] = [new LaneBook(options), new Checkpoint(state.checkpoint), new Recorder()];
    const [paced, suspects, wakeUps] = [new PacedLanes(), new Suspects(), new WakeUps<Lane>()];
    const [readiness, unrecorded] = [new Readiness(options, paced, suspects), new Unrecorded(options, recorder)];
    const slots = options.slots ?? new Slots(options.concurrency).join();
    const moves = new LaneMoves(options, book, paced, recorder);
    const parts = new Parts(recorder, state.parts);
    const open = new OpenDecisions();
    const facts = new Facts(options, { book, moves, open, parts, recorder });
    const agenda = new Agenda(slots.slots, { readiness, moves, paced, suspects, unrecorded });
    const live = new LiveOutcomes({ facts, moves, parts, recorder, wakeUps });
    const ofLetters = new LetterOutcomes(options, { facts, paced, recorder, wakeUps });
    const leave = new Leave(options.permits ?? null);

    this.suspects = suspects;
    this.parts = parts;
    this.reading = new Reading(options, recovered, { agenda, book, checkpoint, moves, readiness, recorder, wakeUps });
    const starts = new Starts(options, { agenda, facts, readiness, recorder, unrecorded });
    this.schedule = new Schedule({ agenda, leave, paced, readiness, recorder, slots, starts, suspects, unrecorded });
    this.outcomes = new Outcomes({ agenda, live, letters: ofLetters, loans: new LoanOutcomes(wakeUps), recorder, suspects, unrecorded });
    this.lanes = new LaneActs({ agenda, book, moves, readiness });
    this.flushes = new Flushes(options, { acts: this.lanes, agenda, book, checkpoint, recorder, schedule: this.schedule, starts, unrecorded });
    this.letters = new Letters(options, { book, moves, parts, recorder });
    this.replays = new Replays({ agenda, book, letters: this.letters, paced, recorder, suspects, wakeUps });
    this.decisions = new Decisions({ agenda, facts, letters: this.letters, open, recorder, replays: this.replays });
    const timed = { decisions: this.decisions, schedule: this.schedule };
    this.ticks = new Ticks(options, { agenda, book, checkpoint, facts, leave, moves, paced, recorder, suspects, wakeUps, ...timed });
    this.loans = new Loans(options, { agenda, book, paced, wakeUps });
    recover(options, recovered, { agenda, book, facts, moves, open, paced, readiness, replays: this.replays, suspects, wakeUps });
  }
}
