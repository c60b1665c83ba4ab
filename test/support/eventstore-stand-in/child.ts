/**
 * The stand-in as a process of its own, so that tests can kill or freeze it: `child.ts <file> <port>`. It is durable: events are in the file before
 * they are answered. Without a file ("") they live as long as the process.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { makeDatabase, type Proposed, type Recorded } from "./database.ts";
import { startStandIn } from "./server.ts";

type Line = Omit<Recorded, "data" | "metadata"> & { readonly data: string; readonly metadata: string };

const [file = "", port = "0"] = process.argv.slice(2);
let createdMs: number | null = null;
const database = makeDatabase(() => createdMs ?? Date.now());
// What is stored has no other effect than it had: the same events in the same order get the same positions.
for (const line of existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : []) {
  const record = JSON.parse(line) as Line;
  createdMs = record.createdMs;
  const event: Proposed = { ...record, data: Buffer.from(record.data, "base64"), metadata: Buffer.from(record.metadata, "base64") };
  const result = database.append(record.stream, [event], record.revision === 0 ? "none" : BigInt(record.revision - 1));
  if (result.is !== "stored" || result.position !== record.position) throw new Error(`${record.stream} ${record.revision} is not where it was.`);
}
createdMs = null;
database.forgetIds();
let kept = database.log.length;
const out = file === "" ? null : openSync(file, "a");
const keep = (descriptor: number) => {
  const lines = database.log.slice(kept).map((record) => {
    const line: Line = { ...record, data: Buffer.from(record.data).toString("base64"), metadata: Buffer.from(record.metadata).toString("base64") };
    return `${JSON.stringify(line)}\n`;
  });
  kept = database.log.length;
  writeSync(descriptor, lines.join(""));
};
if (out !== null) database.onAppend(() => keep(out));
const standIn = await startStandIn({ database, port: Number(port) });
process.once("SIGTERM", () => void standIn.stop().then(() => out !== null && closeSync(out)));
process.stdout.write(`${standIn.port}\n`);
