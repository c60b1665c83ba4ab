/** Where the second thread begins. What Node has compiled is found again only after it is told where that is kept, hence the import comes late. */
import * as nodeModule from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { Compiled } from "../../log/small-thread.ts";
import type { ThreadBegins } from "./messages.ts";

const begins = workerData as ThreadBegins & Compiled;
if (begins.compiled !== null) nodeModule.enableCompileCache(begins.compiled);
const { runRowThread } = await import("./row-thread.ts");
runRowThread(parentPort!, begins);
