/** The floor of bench/http.ts: Fastify as src/http/server.ts sets it up, with its own reading of JSON and one route that does nothing. */
import fastify from "fastify";

const app = fastify({ logger: false, requestTimeout: 60_000, bodyLimit: 4 * 1024 * 1024 });
app.post("/events", async (_request, reply) => reply.code(201).send());
const url = await app.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ msg: "listening", url }));
