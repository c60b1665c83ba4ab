/** The store of bench/metrics.ts with its HTTP side, which measures itself or does not, and says what CPU time its thread has taken. */
import fastify from "fastify";
import { openStore } from "../../src/compose.ts";
import config from "./http.config.ts";

const [folder, metrics] = process.argv.slice(2);
const store = await openStore(config, { log: `sqlite:${folder}`, metrics: metrics === "on" });
await store.start();
const app = fastify({ logger: false });
await app.register(store.http());
app.get("/bench/cpu", async () => {
  const { user, system } = process.threadCpuUsage();
  return { seconds: (user + system) / 1e6 };
});
const url = await app.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ msg: "listening", url }));
