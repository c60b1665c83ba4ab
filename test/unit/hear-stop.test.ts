import { expect, it } from "vitest";
import { hearStop } from "../../src/cli/hear-stop.ts";

const names = ["SIGTERM", "SIGINT"] as const;
const heardBy = () => names.map((name) => process.listenerCount(name));

it.each(names)("hears %s, after which a second one kills, or waits, as it was asked for", (name) => {
  const before = heardBy();
  const index = names.indexOf(name);
  for (const [second, left] of [
    ["kills", 0],
    ["waits", 1],
  ] as const) {
    const stopped = hearStop(second);
    expect(heardBy()).toEqual(before.map((count) => count + 1));
    expect(stopped.signal.aborted).toBe(false);
    process.emit(name);
    expect(stopped.signal.aborted).toBe(true);
    expect(process.listenerCount(name)).toBe(before[index]! + left);
    stopped.forget();
    expect(heardBy()).toEqual(before);
  }
});
