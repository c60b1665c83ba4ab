/**
 * `npm run demo`: the order desk through a bad day, in under a minute. The real service in a process of its own, on the embedded
 * log in a temporary folder; the systems around it are real HTTP servers that get broken and mended. It checks the promises
 * itself and exits with 1 when one did not hold. `npm run demo -- --keep` leaves the service running.
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

const {
  values: { keep },
} = parseArgs({ options: { keep: { type: "boolean", default: false } } });
const print = makePrinter((text) => process.stdout.write(text), { colour: process.stdout.isTTY && process.stdout.hasColors() });

/** Ctrl-C or SIGTERM: the story is broken off, and everything is put away as usual. */
const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(new Error("Interrupted.")));
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
    print.title("Reprise: an order desk, and a bad day", [
      `service        ${service.url}, log in ${folder}`,
      `integrations   ${(["screening", "inventory", "payments", "mail", "analytics"] as const).map((name) => `${name} :${new URL(integrations[name].url).port}`).join("  ")}`,
    ]);
    const verdicts = await Promise.race([tellStory({ api: makeApi(service.url), integrations, print }), interrupted]);
    finished = true;
    const broken = verdicts.filter(({ violations }) => violations.length > 0).length;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    print.close(
      broken === 0,
      broken === 0 ? `All ${verdicts.length} promises held, in ${seconds} s.` : `${broken} of ${verdicts.length} promises did not hold.`,
    );
    if (keep) {
      print.say(`The service goes on at ${service.url}. Try: curl ${service.url}/handlers`, "Ctrl-C stops it and removes its data.");
      await interrupted.catch(() => {});
    }
    const code = await service.stop();
    if (code !== 0) print.close(false, `The service ended with ${code ?? "a kill"} instead of 0.`);
    return broken === 0 && code === 0;
  } finally {
    await service.stop();
    if (!finished) for (const line of service.lastLines()) print.say(line);
  }
}
