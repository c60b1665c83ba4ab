import { describe, it } from "vitest";
import { killTitle, runKills } from "../support/crash-kills.ts";
import { makeSite } from "../support/crash-service.ts";
import { serverLogs } from "../support/server-logs.ts";

const kills = Number(process.env.REPRISE_CRASH_SERVER_KILLS ?? 6);

describe.each(serverLogs)("a service on %s that is killed under load", (_title, openLog) => {
  it(killTitle, { timeout: 300_000 }, () =>
    runKills(kills, async (config) => {
      const { log, namespace } = await openLog();
      return makeSite(config, log, namespace);
    }),
  );
});
