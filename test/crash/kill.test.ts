import { describe, it } from "vitest";
import { killTitle, runKills } from "../support/crash-kills.ts";
import { makeSite } from "../support/crash-service.ts";

const kills = Number(process.env.REPRISE_CRASH_KILLS ?? 20);

describe("a service that is killed under load", () => {
  it(killTitle, { timeout: 300_000 }, () => runKills(kills, makeSite));
});
