import { describe, expect, it } from "vitest";
import { fromTold, heardProgress, toldProgress, toTold } from "../../src/delivery/inbox/told-loan.ts";
import { noDeferrals } from "../../src/delivery/policy/waits.ts";

const progress = { failed: 2, deferred: noDeferrals, dueMs: 5000, part: { index: 1 } };

describe("a replay's delivery that another instance makes", () => {
  it("goes on after the same wait, whatever the clocks of both say", () => {
    const heard = heardProgress(JSON.parse(JSON.stringify(toldProgress(progress, 4000))), 90);
    expect(heard).toEqual({ ...progress, dueMs: 1090 });
    expect(heardProgress(toldProgress(progress, 9000), 90)).toEqual({ ...progress, dueMs: 90 });
    const end = { kind: "withdrawn", progress } as const;
    expect(fromTold(toTold(end, 4000), 90)).toEqual({ kind: "withdrawn", progress: { ...progress, dueMs: 1090 } });
  });

  it("tells of a dry run what it asked for, and nothing long of what went well", () => {
    const record = { attempt: 1, startedAt: "", durationMs: 1, outcome: "completed", class: null, error: null } as const;
    const asked = { effects: [{ key: "mail", recorded: false }] };
    expect(toTold({ kind: "completed", attempts: 1, record: { ...record, ...asked, log: ["long"], responseHead: "long" } }, 0)).toEqual({
      ...{ kind: "completed", attempts: 1 },
      record: { ...record, ...asked },
    });
  });
});
