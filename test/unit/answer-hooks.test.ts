import fastify from "fastify";
import { expect, it } from "vitest";
import { onEachAnswer } from "../../src/http/hooks.ts";

it("each look at an answer is told of it in order, with what the one before it put in its place, and one that fails ends the answer", async () => {
  const app = fastify();
  const told: unknown[] = [];
  onEachAnswer(app, (_request, _reply, payload) => {
    told.push(["first", payload]);
    return null;
  });
  onEachAnswer(app, async (_request, _reply, payload) => `${String(payload)} kept`);
  onEachAnswer(app, ({ url }, _reply, payload) => {
    told.push(["third", payload]);
    if (url === "/throws" && payload === "no kept") throw new Error("full");
    return url === "/rejects" && payload === "no kept" ? Promise.reject(new Error("full")) : null;
  });
  onEachAnswer(app, async (_request, _reply, payload) => `${String(payload)}.`);
  app.get("/", () => "yes");
  app.get("/throws", () => "no");
  app.get("/rejects", () => "no");
  expect(await app.inject("/")).toMatchObject({ statusCode: 200, body: "yes kept." });
  expect(told).toEqual([
    ["first", "yes"],
    ["third", "yes kept"],
  ]);
  for (const url of ["/throws", "/rejects"]) expect(await app.inject(url)).toMatchObject({ statusCode: 500 });
  await app.close();
});
