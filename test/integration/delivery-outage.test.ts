import { describeOutage } from "../support/outage-runs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeOutage("on the embedded log", temporaryFolder);
