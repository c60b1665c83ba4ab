/** Events of 900 KB, asked for a thousand at a time by twenty callers, in a process with little memory. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const events = size(30, 60);
const eventBytes = 900_000;
const callers = 20;
const heapMb = 256;
/** Names on the wire and the list around the rows beside them. */
const maxReplyBytes = 4 * 1024 * 1024 + 10_000;

const config = `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({ text: z.string() }) });
export default defineConfig({
  events: [placed],
  handlers: [webhookHandler({ name: "hook", url: "http://127.0.0.1:9/", events: ["order.placed"], ordering: "relaxed", startFrom: "beginning",
    retry: { maxAttempts: 1 } })],
});
`;

async function fill(folder: string): Promise<void> {
  const log = await openSqliteLog(folder, { clock: systemClock });
  for (let number = 0; number < events; number++)
    await log.append(
      "default.order-1",
      [
        {
          id: newId(),
          type: "order.placed",
          schemaVersion: 1,
          source: null,
          occurredAt: null,
          data: { text: "x".repeat(eventBytes) },
          metadata: { priority: "normal" },
        },
      ],
      "any",
    );
  await log.close();
}

async function serve(folder: string): Promise<{ readonly url: string; readonly ended: () => boolean }> {
  writeFileSync(join(folder, "reprise.config.ts"), config);
  const data = join(folder, "data");
  const args = ["serve", "--config", join(folder, "reprise.config.ts"), "--log", `sqlite:${data}`, "--data", data, "--port", "0", "--log-level", "error"];
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, "--conditions=@reprise/source", join(repositoryFolder, "bin/reprise.js"), ...args], {
    cwd: repositoryFolder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('"listening"'))
      return { url: (JSON.parse(line) as { url: string }).url, ended: () => child.exitCode !== null || child.signalCode !== null };
  throw new Error("It did not come to listen.");
}

interface Reply {
  readonly events: readonly { readonly revision: number }[];
  readonly next_cursor?: string | null;
  readonly next_from?: number | null;
}

it("gives pages of at most 4 MiB, and the service goes on", async () => {
  const folder = temporaryFolder();
  await fill(join(folder, "data"));
  const { url, ended } = await serve(folder);
  const get = async (path: string): Promise<Reply> => {
    const response = await fetch(url + path);
    const text = await response.text();
    expect(response.status, text.slice(0, 300)).toBe(200);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxReplyBytes);
    return JSON.parse(text) as Reply;
  };
  await expect
    .poll(async () => ((await (await fetch(`${url}/admin/dlq?data=false&limit=1`)).json()) as { total: number }).total, { timeout: 60_000 })
    .toBe(events);

  /** All pages, in order. */
  const walk = async (path: string, next: (reply: Reply) => string | null): Promise<readonly number[]> => {
    const revisions: number[] = [];
    for (let more: string | null = ""; more !== null; ) {
      const reply: Reply = await get(path + more);
      expect(reply.events.length).toBeGreaterThan(0);
      revisions.push(...reply.events.map(({ revision }) => revision));
      more = next(reply);
    }
    return revisions;
  };
  const byCursor = ({ next_cursor: cursor }: Reply) => (cursor == null ? null : `&cursor=${cursor}`);
  const byFrom = ({ next_from: from }: Reply) => (from == null ? null : `&from=${from}`);
  const upwards = Array.from({ length: events }, (_, revision) => revision);
  const paths = ["/events?limit=1000", "/entities/order/1/events?limit=1000", "/entities/order/1/events?limit=1000&direction=backward", "/admin/dlq?limit=200"];
  const first = await Promise.all(Array.from({ length: callers }, (_, caller) => get(paths[caller % paths.length]!)));
  for (const { events: page } of first) expect(page.length).toBeLessThan(events);
  expect(await walk(paths[0]!, byCursor)).toEqual(upwards.toReversed());
  expect(await walk(paths[1]!, byFrom)).toEqual(upwards);
  expect(await walk(paths[2]!, byFrom)).toEqual(upwards.toReversed());
  expect(await walk(paths[3]!, byCursor)).toEqual(upwards.toReversed());
  const planned = await fetch(`${url}/replays/plan`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ selection: { dead_letters: { handler: "hook" } } }),
  });
  const plan = await planned.text();
  expect(planned.status, plan.slice(0, 300)).toBe(200);
  expect(Buffer.byteLength(plan)).toBeLessThanOrEqual(maxReplyBytes + 100_000);
  expect(ended()).toBe(false);
}, 240_000);
