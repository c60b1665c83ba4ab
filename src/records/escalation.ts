/** The stored forms of what waits for a person: the question, and the leave to run that a person gave. */

/** What becomes of a decision that nobody made in time: it goes on waiting, or the delivery is discarded as `expired`. */
export type OnDue = "wait" | "reject";

/** What a person is to decide. */
export interface Escalation {
  /** Whether the handler was called before. */
  readonly when: "before" | "after";
  /** At most 500 characters. */
  readonly why: string;
  readonly dueAt: string;
  /** How long that was when it was asked. */
  readonly dueInMs: number;
  readonly onDue: OnDue;
}

/** What was told of a decision that is open: that it is asked, that four fifths of its time are over, that all of it is. */
export type ToldOfDecision = "opened" | "due_soon" | "due";

/** A decision that is open, as a snapshot keeps it. `dueAt` null: the first builds set no time. */
export interface DecisionSnapshot extends Pick<Escalation, "dueInMs" | "onDue"> {
  readonly dueAt: string | null;
  readonly told: ToldOfDecision;
  readonly part?: number;
}

/** A person has approved the delivery: it runs without being asked about again. */
export interface Approval {
  /** Of the run: the `replayId` of its calls. */
  readonly id: string;
  readonly actor: string;
  readonly reason: string | null;
  /** Of a split event: the part that was decided on. */
  readonly part: number | null;
  /** The run has not come to its end. False also when a replay has it: that one sees to it. */
  readonly isDue: boolean;
}
