import { temporaryFolder } from "../support/temporary-folder.ts";
import { describeVersions } from "../support/version-runs.ts";

describeVersions("on the embedded log", temporaryFolder);
