import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import type { ReadyReply } from "../../src/http/wire/service.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { stored } from "../contract/log-events.ts";
import { kill, makeSite, post, startListening, startService, until, untilQuiet } from "../support/crash-service.ts";
import { type Fault, hasDiskFaults, makeFaultyDisk } from "../support/disk-faults.ts";
import { someOf } from "../support/sizes.ts";

const config = `
import { appendFileSync } from "node:fs";
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const thing = defineEvent("thing.happened", { 1: z.object({ text: z.string() }) });
const note = (event) => appendFileSync(process.env.NOTED, event.id + "\\n");
export default defineConfig({ events: [thing], handlers: [defineHandler({ name: "note", events: [thing], startFrom: "beginning", on: { "thing.happened": note } })] });
`;

async function readyz(url: string): Promise<{ readonly status: number; readonly waitsFor: string | null; readonly warnings: readonly string[] }> {
  const response = await fetch(`${url}/readyz`);
  const { waits_for, warnings } = (await response.json()) as ReadyReply;
  return { status: response.status, waitsFor: waits_for, warnings };
}

const becomes = (url: string, status: number, under = "") =>
  until(`/readyz to answer ${status} ${under}`, async () => {
    const answer = await readyz(url);
    return answer.status === status && answer;
  });

/** Producers that each append one event after the other, over 20 entities. */
function startLoad(url: string) {
  const acknowledged = new Set<string>();
  const answers: { readonly code: string; readonly askedMs: number }[] = [];
  let position = 0n;
  let going = true;
  const produce = async (producer: number) => {
    for (let turn = 0; going; turn++) {
      const id = v7();
      const event = { id, type: "thing.happened", entity: { type: "thing", id: `${producer}-${turn % 5}` }, data: { text: "x".repeat(500) } };
      const askedMs = performance.now();
      const { status, body } = await post<AppendReply & { readonly code?: string }>(url, "/events", event);
      if (status === 201) {
        acknowledged.add(id);
        const at = BigInt(body.events[0]!.position);
        if (at > position) position = at;
      }
      answers.push({ code: status === 201 ? "201" : (body.code ?? String(status)), askedMs });
      await wait(status === 201 ? 1 : 20);
    }
  };
  const produced = [0, 1, 2, 3].map(produce);
  return {
    acknowledged,
    /** Of the last event that was acknowledged. */
    position: () => String(position),
    /** To what was asked since then: an answer of before may be read late. */
    answersSince: (ms: number) => new Set(answers.filter(({ askedMs }) => askedMs > ms).map(({ code }) => code)),
    more: (count: number) => {
      const enough = acknowledged.size + count;
      return until(`${count} more events`, () => acknowledged.size >= enough);
    },
    end: async () => {
      going = false;
      await Promise.all(produced);
    },
  };
}

describe.skipIf(!hasDiskFaults)("a service on a disk that fails (needs Linux and cc)", { timeout: 120_000 }, () => {
  const logFaults: readonly [Fault, string][] = [
    [{ act: "sync", code: "EIO", file: "/log.db" }, "LOG_SYNC_FAILED"],
    [{ act: "write", code: "EIO", file: "/log.db" }, "LOG_UNAVAILABLE"],
    [{ act: "write", code: "ENOSPC", file: "/log.db" }, "LOG_FULL"],
  ];
  it.each(someOf(2, logFaults))(
    "under the log and its journals: %o is %s under load, /readyz says so, nothing is lost, and it goes on by itself",
    async (fault, code) => {
      const disk = makeFaultyDisk();
      const site = makeSite(config);
      const noted = join(site.data, "..", "noted");
      const service = await startListening(site, { ...disk.env, NOTED: noted });
      const load = startLoad(service.url);
      await load.more(100);
      const beganMs = performance.now();
      disk.fail(fault);
      const { waitsFor } = await becomes(service.url, 503);
      expect(waitsFor).toContain("the log: ");
      const toldMs = performance.now();
      await wait(1500);
      expect(load.answersSince(toldMs)).toEqual(new Set([code]));
      expect((await readyz(service.url)).status).toBe(503);
      disk.fail();
      const healedMs = performance.now();
      await becomes(service.url, 200);
      const wellMs = performance.now();
      await load.more(100);
      await load.end();
      await untilQuiet(service.url, load.position());
      await kill(service);
      console.info(`${fault.act} ${fault.code}: told after ${(toldMs - beganMs).toFixed(0)} ms, well ${(wellMs - healedMs).toFixed(0)} ms after the disk`);

      const log = await openSqliteLog(disk.afterPowerCut(site.data));
      const left = new Set((await stored(log)).map(({ id }) => id));
      await log.close();
      const delivered = new Set(readFileSync(noted, "utf8").trimEnd().split("\n"));
      expect([...load.acknowledged].filter((id) => !left.has(id))).toEqual([]);
      expect([...load.acknowledged].filter((id) => !delivered.has(id))).toEqual([]);
      expect([...delivered].filter((id) => !left.has(id))).toEqual([]);
    },
  );

  const viewFaults = [
    { act: "write", code: "EIO", file: "/views.db" },
    { act: "write", code: "ENOSPC", file: "/views.db" },
  ] as const;
  it.each(someOf(1, viewFaults))("under the views: %o leaves appends and deliveries alone, /readyz says so, and they go on by themselves", async (fault) => {
    const disk = makeFaultyDisk();
    const site = makeSite(config);
    const noted = join(site.data, "..", "noted");
    const service = await startListening(site, { ...disk.env, NOTED: noted });
    const load = startLoad(service.url);
    await load.more(100);
    disk.fail(fault);
    const { waitsFor } = await becomes(service.url, 503);
    expect(waitsFor).toContain("the views: ");
    const toldMs = performance.now();
    await load.more(200);
    expect(load.answersSince(toldMs)).toEqual(new Set(["201"]));
    const delivered = () => (existsSync(noted) ? readFileSync(noted, "utf8").trimEnd().split("\n") : []);
    await until("their deliveries", () => delivered().length >= load.acknowledged.size - 50);
    disk.fail();
    await becomes(service.url, 200);
    await load.end();
    await untilQuiet(service.url, load.position());
    const { body } = await post<AppendReply>(service.url, "/events", {
      id: v7(),
      type: "thing.happened",
      entity: { type: "thing", id: "last" },
      data: { text: "" },
    });
    const handlers = (await untilQuiet(service.url, body.events[0]!.position))[0]!;
    expect(handlers.done).toBe(load.acknowledged.size + 1);
    await kill(service);
  });

  it("while idle, /readyz notices a full disk, a failing disk and another program's lock, and when they are over", async () => {
    const disk = makeFaultyDisk();
    const site = makeSite(config);
    const service = await startListening(site, { ...disk.env, NOTED: join(site.data, "..", "noted") });
    await becomes(service.url, 200);
    const faults: readonly Fault[] = [
      { act: "write", code: "ENOSPC", file: "/log.db" },
      { act: "write", code: "EIO", file: "/log.db" },
      { act: "sync", code: "EIO", file: "/log.db-wal" },
      { act: "write", code: "ENOSPC", file: "/views.db" },
    ];
    for (const fault of faults) {
      disk.fail(fault);
      await becomes(service.url, 503, JSON.stringify(fault));
      disk.fail();
      await becomes(service.url, 200, JSON.stringify(fault));
    }
    const other = new DatabaseSync(join(site.data, "log.db"));
    other.exec("begin immediate");
    expect((await becomes(service.url, 503)).waitsFor).toContain("locked");
    other.exec("rollback");
    other.close();
    await becomes(service.url, 200);
    service.send("SIGTERM");
    expect(await service.ended).toMatchObject({ code: 0 });
  });

  it("ends with exit code 6 when the log cannot be synced at the start, and starts when it can", async () => {
    const disk = makeFaultyDisk();
    const site = makeSite(config);
    const env = { ...disk.env, NOTED: join(site.data, "..", "noted") };
    disk.fail({ act: "sync", code: "EIO", file: site.data });
    const first = startService(site, env);
    expect(await first.ended).toMatchObject({ code: 6 });
    expect(first.stderr()).toContain("The disk did not take what was written to the log");
    disk.fail();
    const second = await startListening(site, env);
    await kill(second); // leaves a write-ahead log
    disk.fail({ act: "sync", code: "EIO", file: "/log.db-wal" });
    const third = startService(site, env);
    expect(await third.ended).toMatchObject({ code: 6 });
    disk.fail();
    await becomes((await startListening(site, env)).url, 200);
  });
});
