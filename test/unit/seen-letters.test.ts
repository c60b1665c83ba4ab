import { describe, expect, it } from "vitest";
import { SeenLetters } from "../../src/delivery/inbox/seen-letters.ts";

const letter = (stream: string, lane: string, revision: number, type = "delivery.dead_lettered") => ({ stream, type, data: { lane, revision } });

describe("dead letters that an instance has seen come", () => {
  it("are those of a lane and of a journal, each once and in order", () => {
    const seen = new SeenLetters();
    seen.take(letter("j1", "a", 5));
    seen.take(letter("j1", "a", 2));
    seen.take(letter("j1", "a", 5));
    seen.take(letter("j1", "b", 1));
    seen.take(letter("j2", "a", 9));
    seen.take(letter("j1", "a", 3, "delivery.settled"));
    expect(seen.of("j1", "a")).toEqual([2, 5]);
    expect(seen.of("j1", "b")).toEqual([1]);
    expect(seen.of("j2", "a")).toEqual([9]);
    expect(seen.of("j2", "b")).toEqual([]);
  });
});
