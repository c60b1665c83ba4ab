import { describe, it } from "vitest";
import { letters, runReplayKills } from "../support/replay-kills.ts";

describe("a plan's replay", () => {
  it(`of ${letters} dead letters, with a canary, two SIGKILLs, a pause and another rate, delivers each once and in order`, { timeout: 300_000 }, () =>
    runReplayKills(),
  );
});
