/** What every place of archives promises. An adapter passes this suite, or it is none. */
import { describe, expect, it } from "vitest";
import type { ArchivePlace } from "../../src/retention/archive/archive-place.ts";
import { allOf } from "../support/archived-events.ts";

const text = (body: Uint8Array | undefined): string | undefined => (body === undefined ? undefined : Buffer.from(body).toString());
const bytes = (of: string): Uint8Array => Buffer.from(of);

/** @param open an empty place at each call. */
export function describeArchivePlace(name: string, open: () => Promise<ArchivePlace>): void {
  describe(`ArchivePlace contract: ${name}`, () => {
    it("gives back what was stored, all of it or a part, and null for what is not there", async () => {
      const place = await open();
      expect(await place.read("log/a.json")).toBeNull();
      expect(await place.create("log/a.json", bytes("hello, world"))).toBe("written");
      expect(text((await place.read("log/a.json"))?.body)).toBe("hello, world");
      expect(text((await place.read("log/a.json", { from: 7, to: 10 }))?.body)).toBe("wor");
      expect(text((await place.read("log/a.json", { from: 7, to: 99 }))?.body)).toBe("world");
    });

    it("creates nothing over what is there", async () => {
      const place = await open();
      await place.create("log/a", bytes("first"));
      expect(await place.create("log/a", bytes("second"))).toBe("exists");
      expect(text((await place.read("log/a"))?.body)).toBe("first");
    });

    it("replaces what was seen, and nothing else", async () => {
      const place = await open();
      await place.replace("log/a", bytes("1"), null);
      await expect(place.replace("log/a", bytes("2"), null)).rejects.toMatchObject({ code: "ARCHIVE_UNAVAILABLE" });
      const seen = (await place.read("log/a"))!.tag;
      await place.replace("log/a", bytes("3"), seen);
      await expect(place.replace("log/a", bytes("4"), seen)).rejects.toMatchObject({ code: "ARCHIVE_UNAVAILABLE" });
      expect(text((await place.read("log/a"))?.body)).toBe("3");
      await place.replace("log/a", bytes("5"));
      expect(text((await place.read("log/a"))?.body)).toBe("5");
    });

    it("lists what is below, and nothing beside it", async () => {
      const place = await open();
      expect(await allOf(place.list("log/segments/"))).toEqual([]);
      for (const each of ["log/segments/b", "log/segments/a", "log/segments/c", "log/manifest.json", "other/segments/d"]) await place.create(each, bytes(each));
      expect((await allOf(place.list("log/segments/"))).toSorted((a, b) => a.localeCompare(b))).toEqual(["log/segments/a", "log/segments/b", "log/segments/c"]);
    });

    it("keeps large bodies exactly", async () => {
      const place = await open();
      const large = Buffer.alloc(1_000_000, "0123456789abcdefg");
      expect(await place.create("log/large", large)).toBe("written");
      expect(large.equals((await place.read("log/large"))!.body)).toBe(true);
      expect(await place.create("log/large", large.subarray(1))).toBe("exists");
    });
  });
}
