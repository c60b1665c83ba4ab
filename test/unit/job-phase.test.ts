import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noProgress } from "../../src/replay/job-progress.ts";
import {
  cancelling,
  cutOff,
  firstPhase,
  isOver,
  mustGoOn,
  type Phase,
  paused,
  pausing,
  resumed,
  stageOf,
  statusOf,
  stopping,
  withStage,
} from "../../src/replay/phase.ts";

const stage = fc.constantFrom("canary" as const, "holding" as const, "all" as const, "passing" as const, "passed" as const);
const progress = fc.record({
  outcomes: fc.constant(new Map()),
  paused: fc.boolean(),
  cancelling: fc.boolean(),
  stopping: fc.option(fc.string(), { nil: null }),
  canaryPassed: fc.boolean(),
});
type Move = (phase: Phase) => Phase | null;
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.constantFrom<Move>(pausing, paused, resumed, cancelling, cutOff),
  fc.string().map(
    (why): Move =>
      (phase) =>
        stopping(phase, why),
  ),
  stage.map(
    (to): Move =>
      (phase) =>
        withStage(phase, to),
  ),
);
/** Every phase that moves lead through. */
const walk = fc.tuple(progress, fc.boolean(), fc.array(move, { maxLength: 20 })).map(([from, hasCanary, moves]) => {
  const phases = [firstPhase(from, hasCanary)];
  for (const each of moves) phases.push(each(phases.at(-1)!) ?? phases.at(-1)!);
  return phases;
});
const pairs = (phases: readonly Phase[]) => phases.slice(1).map((phase, index) => [phases[index]!, phase] as const);

describe("the phase of a job", () => {
  it("never leaves its end, and goes on from a stop only into a cancel or a cut", () => {
    fc.assert(
      fc.property(walk, (phases) => {
        for (const [from, to] of pairs(phases)) {
          if (isOver(from)) expect(to).toBe(from);
          if (from.kind === "stopping") expect(["stopping", "cancelling", "cut_off"]).toContain(to.kind);
          if (from.kind === "cancelling") expect(["cancelling", "cut_off"]).toContain(to.kind);
        }
      }),
    );
  });

  it("runs again after a pause only from paused, and then with the stage it had", () => {
    fc.assert(
      fc.property(walk, (phases) => {
        for (const [from, to] of pairs(phases))
          if (from.kind !== "running" && to.kind === "running") expect([from.kind, stageOf(from)]).toEqual(["paused", stageOf(to)]);
      }),
    );
  });

  it("keeps why it stops, also when somebody cancels it meanwhile", () => {
    fc.assert(
      fc.property(walk, fc.string(), (phases, why) => {
        for (const phase of phases) {
          const stops = stopping(phase, why);
          if (stops !== null) expect(cancelling(stops)).toEqual({ kind: "cancelling", why });
        }
      }),
    );
  });

  it("lets operators change it exactly while it has a stage", () => {
    fc.assert(
      fc.property(walk, (phases) => {
        for (const phase of phases)
          if (stageOf(phase) !== null) mustGoOn(phase);
          else expect(() => mustGoOn(phase)).toThrow(expect.objectContaining({ code: phase.kind === "cut_off" ? "LOG_UNAVAILABLE" : "REPLAY_ENDED" }));
      }),
    );
  });

  it("shows nothing new when it is cut off or stops by itself", () => {
    fc.assert(
      fc.property(walk, (phases) => {
        for (const phase of phases) {
          const cut = cutOff(phase);
          const stops = stopping(phase, "why");
          if (cut !== null) expect(statusOf(cut)).toBe(statusOf(phase));
          if (stops !== null) expect(statusOf(stops)).toBe(statusOf(phase));
        }
      }),
    );
  });

  it("begins as the stream says: a cancel before a stop, a stop before a pause, the canary where it has not passed", () => {
    const first = (more: object, hasCanary = true) => firstPhase({ ...noProgress, ...more }, hasCanary);
    expect(first({})).toEqual({ kind: "running", stage: "canary" });
    expect(first({}, false)).toEqual({ kind: "running", stage: "all" });
    expect(first({ canaryPassed: true })).toEqual({ kind: "running", stage: "all" });
    expect(first({ paused: true })).toEqual({ kind: "pausing", stage: "canary" });
    expect(first({ paused: true, stopping: "why" })).toEqual({ kind: "stopping", why: "why", shown: "pausing" });
    expect(first({ paused: true, stopping: "why", cancelling: true })).toEqual({ kind: "cancelling", why: "why" });
    expect(first({ stopping: "" })).toEqual({ kind: "stopping", why: "", shown: "running" });
  });
});
