import { describe, it } from "vitest";
import { killTitle, runKills } from "../support/crash-kills.ts";
import { makeSite } from "../support/crash-service.ts";
import { size } from "../support/sizes.ts";

const kills = size(4, 40, "REPRISE_CRASH_KILLS");

describe("a service that is killed under load", () => {
  it(killTitle, { timeout: 300_000 }, () => runKills(kills, makeSite));
});
