/**
 * The stand-in as a process of its own, so that tests can kill or freeze it: `child.ts <file> <port>`; as a node of a cluster with two more, the file
 * that says who leads and the port under which the node is known. It is durable: events are in the file before they are answered. Without a file ("")
 * they live as long as the process.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { makeDatabase, type Proposed, type Recorded } from "./database.ts";
import { type Cluster, startStandIn } from "./server.ts";

type Line = Omit<Recorded, "data" | "metadata"> & { readonly data: string; readonly metadata: string };

const [file = "", port = "0", clusterFile = "", self = "0"] = process.argv.slice(2);
let createdMs: number | null = null;
const database = makeDatabase(() => createdMs ?? Date.now());
let kept = 0;
/** What is stored has no other effect than it had: the same events in the same order get the same positions. */
const load = () => {
  for (const line of existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(database.log.length, -1) : []) {
    const record = JSON.parse(line) as Line;
    createdMs = record.createdMs;
    if (record.type === "$streamDeleted") {
      database.tombstone(record.stream);
      continue;
    }
    const event: Proposed = { ...record, data: Buffer.from(record.data, "base64"), metadata: Buffer.from(record.metadata, "base64") };
    const result = database.append(record.stream, [event], record.revision === 0 ? "none" : BigInt(record.revision - 1));
    if (result.is !== "stored" || result.position !== record.position) throw new Error(`${record.stream} ${record.revision} is not where it was.`);
  }
  createdMs = null;
  kept = database.log.length;
  database.forgetIds();
};
load();
const out = file === "" ? null : openSync(file, "a");
const keep = (descriptor: number) => {
  const lines = database.log.slice(kept).map((record) => {
    const line: Line = { ...record, data: Buffer.from(record.data).toString("base64"), metadata: Buffer.from(record.metadata).toString("base64") };
    return `${JSON.stringify(line)}\n`;
  });
  kept = database.log.length;
  writeSync(descriptor, lines.join(""));
};
if (out !== null) database.onAppend(() => createdMs === null && keep(out));
/** Of a cluster: who leads is in a file, which a test writes. Whoever leads from now on reads first what the one before has stored. */
let led = false;
const now = (): Cluster => {
  const cluster = JSON.parse(readFileSync(clusterFile, "utf8")) as Cluster;
  const leads = cluster.leader === Number(self);
  if (leads && !led) load();
  if (led && !leads) setImmediate(() => standIn.dropSubscriptions());
  led = leads;
  return cluster;
};
const standIn = await startStandIn({ database, port: Number(port), ...(clusterFile === "" ? {} : { cluster: { self: Number(self), now } }) });
process.once("SIGTERM", () => void standIn.stop().then(() => out !== null && closeSync(out)));
process.stdout.write(`${standIn.port}\n`);
