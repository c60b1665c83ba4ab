import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import { get, kill, makeSite, post, startListening, startService } from "../support/crash-service.ts";

const config = `
import { defineConfig, defineEvent } from "reprise";
import { z } from "zod";
export default defineConfig({ events: [defineEvent("thing.happened", { 1: z.object({}) })] });
`;

async function append(url: string): Promise<number> {
  return (await post<AppendReply>(url, "/events", { id: v7(), type: "thing.happened", entity: { type: "thing", id: "a" }, data: {} })).status;
}

function openReader(data: string): { readonly count: () => number; readonly close: () => void } {
  const db = new DatabaseSync(join(data, "log.db"), { readOnly: true });
  const close = () => {
    if (db.isOpen) db.close();
  };
  onTestFinished(close);
  db.exec("begin"); // an open read transaction, as a back-up or a curious person has it
  const statement = db.prepare("select count(*) as count from events where type = 'thing.happened'");
  const count = () => Number(statement.get()!.count);
  count();
  return { count, close };
}

describe("the owner of a log", { timeout: 60_000 }, () => {
  it("that is killed leaves nothing locked, even while somebody reads log.db", async () => {
    const site = makeSite(config);
    const first = await startListening(site);
    expect(await append(first.url)).toBe(201);
    const reader = openReader(site.data);
    expect(reader.count()).toBe(1);
    await kill(first);

    const second = await startListening(site);
    expect(await append(second.url)).toBe(201);
    expect(reader.count()).toBe(1); // of its own moment
    expect(openReader(site.data).count()).toBe(2);
    await kill(second);

    reader.close();
    const third = await startListening(site);
    expect(await append(third.url)).toBe(201);
    third.send("SIGTERM");
    expect(await third.ended).toMatchObject({ code: 0 });
    expect(openReader(site.data).count()).toBe(3);
  });

  it("keeps a second service out, which says so and exits 2", async () => {
    const site = makeSite(config);
    const first = await startListening(site);
    const second = startService(site);
    expect(await second.listening).toBeNull();
    expect(await second.ended).toMatchObject({ code: 2 });
    expect(second.stderr()).toBe(
      `Reprise cannot start.\nAnother process owns the log in ${site.data}.\nOne process owns an embedded log: stop the other one, or give this one another folder.\n`,
    );
    expect(await get(first.url, "/readyz")).toMatchObject({ status: "ready" });
    expect(await append(first.url)).toBe(201);
    await kill(first);
    expect(await append((await startListening(site)).url)).toBe(201);
  });
});
