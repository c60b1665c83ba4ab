/** Where the thread begins that reads ahead. What Node has compiled is found again only after it is told where that is kept, hence the import comes late. */
import * as nodeModule from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { Compiled } from "../../small-thread.ts";
import type { AheadBegins } from "./messages.ts";

const begins = workerData as AheadBegins & Compiled;
if (begins.compiled !== null) nodeModule.enableCompileCache(begins.compiled);
const { answerPages } = await import("./answer-pages.ts");
answerPages(parentPort!, begins);
