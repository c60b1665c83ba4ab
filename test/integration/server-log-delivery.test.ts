import { describeEvolution } from "../support/evolution-runs.ts";
import { describeOutage } from "../support/outage-runs.ts";
import { serverLogs } from "../support/server-logs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { describeVersions } from "../support/version-runs.ts";

for (const [title, openLog] of serverLogs) {
  const makePlace = async () => ({ ...(await openLog()), data: temporaryFolder() });
  describeOutage(`on ${title}`, makePlace);
  describeVersions(`on ${title}`, makePlace);
  describeEvolution(`on ${title}`, makePlace);
}
