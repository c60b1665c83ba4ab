import { describe, it } from "vitest";
import { killTitle, runKills } from "../support/crash-kills.ts";
import { makeSite } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";

const kills = Number(process.env.REPRISE_CRASH_SERVER_KILLS ?? 6);

describe("a service on a log server that is killed under load", () => {
  it(killTitle, { timeout: 300_000 }, () => runKills(kills, async (config) => makeSite(config, (await startLogServer()).url)));
});
