/** What ends a service, and what does not: signals by way of npm, and errors that a handler lets go astray. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const config = `
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const happened = defineEvent("thing.happened", { 1: z.object({ how: z.string() }) });
const wait = (ms) => new Promise((over) => setTimeout(over, ms));
const handler = defineHandler({
  name: "careless", events: [happened], retry: { maxAttempts: 1 },
  on: { "thing.happened": async ({ data: { how } }) => {
    if (how === "rejection") void wait(5).then(() => { throw new RangeError("secret astray"); });
    if (how === "timer") setTimeout(() => { throw new RangeError("secret astray"); }, 5);
    if (how === "late") return void wait(50).then(() => { throw new RangeError("secret astray"); });
    if (how !== "well") await wait(300);
  } },
});
export default defineConfig({ events: [happened], handlers: [handler] });
`;

/** Starts a service in a process group of its own. */
async function start(program: string, args: readonly string[]) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "reprise.config.ts"), config);
  const ours = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("REPRISE_")));
  const child = spawn(program, [...args, "--config", join(folder, "reprise.config.ts"), "--log", `sqlite:${join(folder, "data")}`, "--port", "0"], {
    ...{ cwd: repositoryFolder, env: ours, detached: true, stdio: ["ignore", "pipe", "inherit"] },
  });
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // it has ended
    }
  });
  const lines: string[] = [];
  const { promise: url, resolve } = Promise.withResolvers<string>();
  createInterface({ input: child.stdout! }).on("line", (line) => {
    lines.push(line);
    if (line.includes('"listening"')) resolve((JSON.parse(line) as { url: string }).url);
  });
  return { child, lines, url: await url, exited: once(child, "exit") };
}

describe("npm start", { timeout: 40_000 }, () => {
  it.each([
    ["SIGTERM", "npm"],
    ["SIGINT", "the whole group, as Ctrl-C does"],
  ] as const)("ends cleanly with 0 on %s to %s", async (signal, to) => {
    const { child, lines, exited } = await start("npm", ["start", "--"]);
    process.kill(to === "npm" ? child.pid! : -child.pid!, signal);
    expect(await exited).toEqual([0, null]);
    expect(lines.at(-1)).toContain('"stopped"');
  });
});

describe("errors that a handler lets go astray", { timeout: 40_000 }, () => {
  it("fail the delivery that they came from, or are logged, and end nothing", async () => {
    const { child, lines, url, exited } = await start(process.execPath, ["bin/reprise.js", "serve"]);
    const append = (how: string) =>
      fetch(`${url}/events`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ type: "thing.happened", entity: { type: "thing", id: how }, data: { how } }),
      });
    for (const how of ["rejection", "timer", "late", "well"]) expect((await append(how)).status).toBe(201);
    const letters = async () => ((await (await fetch(`${url}/admin/dlq`)).json()) as { events: { entity: { id: string }; error: object }[] }).events;
    await expect
      .poll(async () => (await letters()).map(({ entity }) => entity.id).toSorted((a, b) => a.localeCompare(b)), { timeout: 25_000 })
      .toEqual(["rejection", "timer"]);
    for (const { error } of await letters()) expect(error).toMatchObject({ type: "RangeError", message: "secret astray" });
    await expect.poll(() => lines.filter((line) => line.includes("astray")).length).toBe(3);
    expect(lines.filter((line) => line.includes("after its delivery had ended"))).toHaveLength(1);
    const ids = lines.filter((line) => line.includes("astray")).map((line) => JSON.parse(line) as object);
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);
    for (const told of ids) expect(told).toMatchObject({ event_id: uuid, delivery_id: uuid, attempt: 1, error_type: "RangeError" });
    expect(lines.join("\n")).not.toContain("secret");
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  });
});
