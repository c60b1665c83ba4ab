/** The example producer in Python, with the standard library alone, against a service: each event once, whatever happens on the way. */
import { execFile, spawnSync } from "node:child_process";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { listen } from "../support/cli.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logRows, startStore } from "../support/test-store.ts";

const program = join(repositoryFolder, "examples/python-producer/producer.py");
const isThere = spawnSync("python3", ["-c", "import urllib.request"]).status === 0;
const config = { events: [defineEvent("order.placed", { 1: z.object({ orderId: z.string() }) })] };

async function python(url: string, ...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH, REPRISE_URL: url, REPRISE_SOURCE: "python" };
  try {
    return { code: 0, ...(await promisify(execFile)("python3", [program, ...args], { env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** In front of a service: refuses once, then lets one through and cuts its answer off, then lets all through. */
async function flakyDoor(url: string): Promise<string> {
  let requests = 0;
  const door = createServer(async (request, response) => {
    const body = await bodyOf(request);
    if (++requests === 1) return response.writeHead(503, { "retry-after": "0" }).end("{}");
    const answer = await fetch(url + request.url, { method: "POST", headers: { "content-type": "application/json" }, body });
    if (requests === 2) return request.socket.destroy();
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(await answer.text());
  });
  await new Promise<void>((listening) => door.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void door.close());
  return `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
}

describe.runIf(isThere)("the Python producer", { timeout: 60_000 }, () => {
  it("stores an event once, over a 503 and an answer that was lost", async () => {
    const folder = temporaryFolder();
    const store = await startStore(config, folder);
    const { url, close } = await listen(store);
    onTestFinished(close);
    const { code, stdout, stderr } = await python(await flakyDoor(url), "order.placed", "order/o-1", '{"orderId": "o-1"}');
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ entity: { type: "order", id: "o-1" }, revision: 0, duplicate: true });
    const events = (await logRows(folder)).filter(({ stream }) => stream === "default.order-o-1");
    expect(events).toHaveLength(1);
  });

  it("gives up at once on what the service refuses, with its code and what to do", async () => {
    const { url, close } = await listen(await startStore(config, temporaryFolder()));
    onTestFinished(close);
    const { code, stderr } = await python(url, "order.placed", "order/o-1", '{"orderId": 7}');
    expect(code).toBe(1);
    expect(stderr).toContain("DATA_INVALID");
  });
});
