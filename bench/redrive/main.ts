/** `npm start [-- --quick] [--uneven] [--json] [name…]`: 10,000 items of 500 entities have failed, and are sent again. README.md says how to read it. */
import { parseArgs } from "node:util";
import { bullMqContestants } from "./bullmq.ts";
import { eventStoreDbContestants } from "./eventstoredb.ts";
import { graphileWorkerContestants } from "./graphile-worker.ts";
import { pgBossContestants } from "./pg-boss.ts";
import { repriseContestants } from "./reprise.ts";
import { type Contestant, itemsOf, type Judgement, Receiver } from "./work.ts";

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, uneven: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
const count = flags.quick ? 1000 : 10_000;
const rounds = 3;

const { REDIS_URL: redis = "", POSTGRES_URL: postgres = "", EVENTSTORE_URL: eventStore = "" } = process.env;
const leftOut = Object.entries({ REDIS_URL: redis, POSTGRES_URL: postgres, EVENTSTORE_URL: eventStore }).filter(([, url]) => url === "");
for (const [name] of leftOut) console.error(`${name} names no server: whoever needs it is left out.`);

const all: readonly Contestant[] = [
  ...repriseContestants(eventStore === "" ? null : eventStore),
  ...(redis === "" ? [] : await bullMqContestants(redis)),
  ...(postgres === "" ? [] : [...pgBossContestants(postgres), ...graphileWorkerContestants(postgres)]),
  ...(eventStore === "" ? [] : eventStoreDbContestants(eventStore)),
];
const chosen = names.length === 0 ? all : all.filter(({ name }) => names.some((part) => name.includes(part)));
if (chosen.length === 0) {
  console.error(`Nobody is called ${names.join(" or ")}. There are: ${all.map(({ name }) => name).join("; ")}`);
  process.exit(2);
}

interface Result extends Judgement {
  /** Items a second. */
  readonly rate: number;
}

/** Round after round over all contestants, so that what disturbs the machine disturbs all. */
const results = new Map<Contestant, Result[]>(chosen.map((contestant) => [contestant, []]));
for (let round = 0; round < rounds; round++) for (const contestant of chosen) results.get(contestant)!.push(await once(contestant));

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const ours = results.get(chosen[0]!)!;
for (const [{ name, version, how }, runs] of results) {
  const rate = median(runs.map((run) => run.rate));
  const ratio = median(runs.map((run, round) => ours[round]!.rate / run.rate));
  const violations = median(runs.map((run) => run.violations));
  const repeats = median(runs.map((run) => run.repeats));
  if (flags.json) console.log(JSON.stringify({ name, version, items: count, rate, ratio, violations, repeats, how }));
  else {
    if (name === chosen[0]!.name) console.log(`| who | items/s | ${name} is faster by | order violations | repeats | how |\n|---|---|---|---|---|---|`);
    const numbers = [Math.round(rate), ratio.toFixed(1), violations, repeats].map((value) => value.toLocaleString("en-US"));
    console.log(`| ${name} ${version} | ${numbers.join(" | ")} | ${how} |`);
  }
}
process.exit(0); // peers keep timers and sockets for a while

async function once(contestant: Contestant): Promise<Result> {
  const receiver = new Receiver(count, flags.uneven);
  const run = await contestant.open(itemsOf(count), receiver);
  try {
    await run.fail();
    receiver.down = false;
    const fromMs = performance.now();
    await run.redrive();
    await receiver.all();
    const rate = (count / (performance.now() - fromMs)) * 1000;
    console.error(`${contestant.name}: ${Math.round(rate)} items/s`);
    return { rate, ...receiver.judgement() };
  } finally {
    await run.close();
  }
}
