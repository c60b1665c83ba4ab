/**
 * The service of bench/start.ts. BENCH_ACT `work`: the first tenth of the lanes fails, the others' events are done at once, and calls that come after
 * all of these never end. `stop at the first call`: it says so.
 */
import { defineConfig, defineEvent, defineHandler, Terminal } from "reprise";
import { orderV1 } from "../samples.ts";

const { BENCH_ACT: act, BENCH_EVENTS: events = "0", BENCH_LANES: lanes = "0" } = process.env;
const orderPlaced = defineEvent("order.placed", { 1: orderV1 });
const poisoned = Number(lanes) / 10;
const forever = new Promise<never>(() => {});
/** Later events of the poisoned lanes are held. */
let left = Number(events) - poisoned * (Number(events) / Number(lanes) - 1);
let underWay = 0;

const work = (lane: number, isLate: boolean): Promise<never> | undefined => {
  if (isLate) {
    if (++underWay === 64) console.log("64 calls under way");
    return forever;
  }
  if (--left === 0) console.log("all delivered");
  if (lane < poisoned) throw new Terminal("poisoned");
  return undefined;
};

export default defineConfig({
  events: [orderPlaced],
  handlers: [
    defineHandler({
      name: "worker",
      events: [orderPlaced],
      concurrency: 64,
      startFrom: "beginning",
      on: {
        "order.placed": ({ entity, source }) => {
          if (act === "work") return work(Number(entity.id), source === "late");
          console.log("first call");
          return forever;
        },
      },
    }),
  ],
});
