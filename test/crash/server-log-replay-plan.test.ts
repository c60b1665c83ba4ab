import { describe, it } from "vitest";
import { startLogServer } from "../support/log-server.ts";
import { letters, runReplayKills } from "../support/replay-kills.ts";

describe("a plan's replay on a log server", () => {
  it(`of ${letters} dead letters, with a canary, two SIGKILLs, a pause and another rate, delivers each once and in order`, { timeout: 300_000 }, async () =>
    runReplayKills((await startLogServer()).url),
  );
});
