import { describeEvolution } from "../support/evolution-runs.ts";
import { startLogServer } from "../support/log-server.ts";
import { describeOutage } from "../support/outage-runs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { describeVersions } from "../support/version-runs.ts";

const makePlace = async () => ({ log: (await startLogServer()).url, data: temporaryFolder() });

describeOutage("on a log server", makePlace);
describeVersions("on a log server", makePlace);
describeEvolution("on a log server", makePlace);
