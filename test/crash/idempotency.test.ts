import { describe, it } from "vitest";
import { requestKillsTitle, runRequestKills } from "../support/request-kills.ts";
import { size } from "../support/sizes.ts";

const kills = size(1, 100, "REPRISE_CRASH_KILLS");

describe("a service that is killed while requests with an Idempotency-Key are under way", () => {
  it(requestKillsTitle, { timeout: 60_000 + kills * 20_000 }, () => runRequestKills(kills));
});
