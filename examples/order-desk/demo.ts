/**
 * `npm run demo`: the order desk through a bad day, in under a minute. The real service in a process of its own, on the embedded
 * log in a temporary folder; the systems around it are real HTTP servers that get broken and mended. It checks the promises
 * itself and exits with 1 when one did not hold. `npm run demo -- --keep` leaves the service and the systems running;
 * `-- --plant` plants a wrong order in what is checked, to see that the check finds it (and exits with 1).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeApi } from "./api.ts";
import { startIntegrations } from "./integrations.ts";
import { makePrinter } from "./print.ts";
import { startService } from "./service.ts";
import { tellStory } from "./story.ts";

const { keep, plant } = options();
const print = makePrinter((text) => process.stdout.write(text), { colour: process.stdout.isTTY && process.stdout.hasColors() });

/** Ctrl-C or SIGTERM: the story is broken off, and everything is put away as usual. */
let stopping = false;
const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => {
      stopping = true;
      reject(new Error("Interrupted."));
    });
});
interrupted.catch(() => {});

const startedMs = performance.now();
const folder = await mkdtemp(join(tmpdir(), "reprise-demo-"));
const integrations = await startIntegrations();
try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  print.close(false, (error as Error).message);
  process.exitCode = 1;
} finally {
  await integrations.close();
  await rm(folder, { recursive: true, force: true });
}

async function run(): Promise<boolean> {
  const service = await startService(folder, {
    ORDER_DESK_SCREENING_URL: integrations.screening.url,
    ORDER_DESK_INVENTORY_URL: integrations.inventory.url,
    ORDER_DESK_PAYMENTS_URL: integrations.payments.url,
    ORDER_DESK_MAIL_URL: integrations.mail.url,
    ORDER_DESK_ANALYTICS_URL: integrations.analytics.url,
  });
  let finished = false;
  try {
    const systems = (["screening", "inventory", "payments", "mail", "analytics"] as const).map((name) => `${name} :${new URL(integrations[name].url).port}`);
    print.title("Reprise: an order desk, and a bad day", [
      `service   ${service.url}`,
      `log       ${folder}`,
      `systems   ${systems.slice(0, 3).join("   ")}`,
      `          ${systems.slice(3).join("   ")}`,
    ]);
    const verdicts = await Promise.race([tellStory({ api: makeApi(service.url), integrations, print }, { plant }), interrupted]);
    finished = true;
    const broken = verdicts.filter(({ violations }) => violations.length > 0).length;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    print.close(
      broken === 0,
      broken === 0 ? `All ${verdicts.length} promises held, in ${seconds} s.` : `${broken} of ${verdicts.length} promises did not hold.`,
    );
    if (keep) {
      print.say(`The service goes on at ${service.url}, and so do the systems around it. In another terminal, try:`);
      print.list([`  curl ${service.url}/handlers`, `  npm run reprise -- --url ${service.url} events ls --limit 5`]);
      print.say("Ctrl-C stops it all and removes the log.");
      await interrupted.catch(() => {});
    } else if (broken === 0) print.say("To look around in it yourself: npm run demo -- --keep");
    const code = await service.stop();
    if (code !== 0) print.close(false, `The service ended with ${code ?? "a kill"} instead of 0.`);
    return broken === 0 && code === 0;
  } finally {
    await service.stop();
    if (!finished && !stopping && service.lastLines().length > 0) print.list(["The service's last lines:", ...service.lastLines()]);
  }
}

function options(): { readonly keep: boolean; readonly plant: boolean } {
  try {
    const { values } = parseArgs({ options: { keep: { type: "boolean", default: false }, plant: { type: "boolean", default: false } } });
    return values;
  } catch (error) {
    console.error(`${(error as Error).message}\nnpm run demo [-- --keep | --plant]`);
    process.exit(2);
  }
}
