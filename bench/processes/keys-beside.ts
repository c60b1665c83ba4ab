/** One store behind two servers: the first asks for keys of the file in BENCH_KEYS, the second for none. Says both addresses, that with keys first, and a third one, which tells the thread's CPU time in seconds. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pino from "pino";
import { openKeys } from "../../src/access/keys.ts";
import { openStore } from "../../src/compose.ts";
import { systemClock } from "../../src/event/clock.ts";
import { serve } from "../../src/http/server.ts";
import config from "./http.config.ts";

const [, , folder] = process.argv;
const logger = pino({ level: "error" }, pino.destination(2));
const store = await openStore(config, { log: `sqlite:${folder}`, logger });
await store.start();
const address = { host: "127.0.0.1", port: 0 };
const keys = openKeys({ path: process.env.BENCH_KEYS!, clock: systemClock });
const servers = [await serve({ store, logger, clock: systemClock, keys, ...address }), await serve({ store, logger, clock: systemClock, ...address })];
const cpu = createServer((_, response) => {
  const { user, system } = process.threadCpuUsage();
  response.end(String((user + system) / 1e6));
}).listen(address.port, address.host);
await once(cpu, "listening");
console.log(JSON.stringify({ msg: "listening", urls: servers.map(({ url }) => url), cpu: `http://${address.host}:${(cpu.address() as AddressInfo).port}` }));
