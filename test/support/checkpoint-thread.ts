/** A second thread that makes the checkpoints of a log which another thread of this process owns, as the thread for views does. */
import { workerData } from "node:worker_threads";
import { openReadApart } from "../../src/log/read-apart.ts";

openReadApart(workerData.place, workerData.work);
