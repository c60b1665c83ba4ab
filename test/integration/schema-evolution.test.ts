import { describeEvolution, describeReaders } from "../support/evolution-runs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeEvolution("on the embedded log", temporaryFolder);
describeReaders();
