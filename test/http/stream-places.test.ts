/** The places of GET /events/stream, shared by tenants. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { createKey } from "../../src/access/edit-key-file.ts";
import { readStream, type StreamReader } from "../support/stream-reader.ts";
import { serveStream } from "../support/stream-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("no tenant takes them all, nor does the key of all tenants, and places that are given back are there again", async () => {
  const path = join(temporaryFolder(), "keys.json");
  const editing = { path, nowMs: Date.now(), random: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
  const key = (name: string, tenant: string) => {
    const limit = { per_second: 1000, burst: 1000 };
    return { authorization: `Bearer ${createKey(editing, { name, role: "read", tenant, expiresAtMs: null, limit, sources: null }).text}` };
  };
  const [anna, annas, zoe, root, last] = [key("anna", "default"), key("annas", "default"), key("zoe", "other"), key("root", "*"), key("last", "third")];
  const { url } = await serveStream({ keysPath: path });
  const open = async (headers: Record<string, string>, query = ""): Promise<StreamReader[]> => {
    const readers: StreamReader[] = [];
    for (;;) {
      const reader = await readStream(`${url}${query}`, headers);
      if (reader.status === 200) readers.push(reader);
      else {
        expect([reader.status, Number(reader.headers["retry-after"])]).toEqual([429, 10]);
        return readers;
      }
    }
  };
  const taken = [await open(anna), await open(zoe), await open(root, "?tenant=third")];
  expect(taken.map(({ length }) => length)).toEqual([50, 25, 13]);
  expect(await open(annas)).toEqual([]); // another key of a tenant is that tenant
  expect(await open(root, "?tenant=*")).toEqual([]);
  const rest = await open(last);
  expect(rest).toHaveLength(6);
  for (const reader of taken[0]!.slice(0, 30)) reader.leave();
  await expect.poll(async () => (await open(last)).length).toBeGreaterThan(0);
});
