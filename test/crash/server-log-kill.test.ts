import { describe, it } from "vitest";
import { killTitle, runKills } from "../support/crash-kills.ts";
import { makeSite } from "../support/crash-service.ts";
import { serverLogs } from "../support/server-logs.ts";
import { size } from "../support/sizes.ts";

const kills = size(2, 20, "REPRISE_CRASH_SERVER_KILLS");

describe.each(serverLogs)("a service on %s that is killed under load", (_title, openLog) => {
  it(killTitle, { timeout: 300_000 }, () =>
    runKills(kills, async (config) => {
      const { log, namespace } = await openLog();
      return makeSite(config, log, namespace);
    }),
  );
});
