/** A thread that computes, and a receiver beside it that answers meanwhile. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { onTestFinished } from "vitest";

/** Keeps this thread busy, as a handler that computes does. */
export function compute(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
}

/** Answers each request with 204 after `answerMs`, on a thread of its own. @returns its URL. */
export async function startReceiverBeside(answerMs: number): Promise<string> {
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     const server = require("node:http").createServer((request, response) => {
       request.resume().on("end", () => setTimeout(() => response.writeHead(204).end(), workerData));
     });
     server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`,
    { eval: true, workerData: answerMs },
  );
  onTestFinished(async () => void (await worker.terminate()));
  const [port] = (await once(worker, "message")) as [number];
  return `http://127.0.0.1:${port}/`;
}

/** What was sent is out: a client looks at an idle connection for a turn or two before it uses it. */
export async function sentOff(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
}
