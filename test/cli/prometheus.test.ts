/**
 * A real Prometheus scrapes the order desk, as it is served with keys, and fires the rule about dead letters. Skipped where the machine has no Prometheus
 * (Debian: `apt-get install prometheus`); half a minute, so it belongs to the long mode.
 */
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { startIntegrations } from "../../examples/order-desk/integrations.ts";
import { makeOrder } from "../../examples/order-desk/orders.ts";
import { createKey } from "../../src/access/edit-key-file.ts";
import { startService } from "../support/crash-service.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const program = process.env.PROMETHEUS ?? "prometheus";
const isThere = spawnSync(program, ["--version"]).status === 0;
const isAsked = size(0, 1, "REPRISE_PROMETHEUS") > 0;

interface Alert {
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

it.skipIf(!isThere || !isAsked)(
  "a Prometheus with a key of its own scrapes the order desk, and the alert of dead letters fires",
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    const warehouse = await startIntegrations();
    onTestFinished(() => warehouse.close());
    const keysPath = join(folder, "keys.json");
    const editing = { path: keysPath, nowMs: Date.now(), random: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
    const limit = { per_second: 10_000, burst: 10_000 };
    const key = (name: string, role: "read" | "append", tenant: string) =>
      createKey(editing, { name, role, tenant, expiresAtMs: null, limit, sources: null }).text;
    const [scraper, shop] = [key("prometheus", "read", "*"), key("shop", "append", "default")];
    const site = { config: join(repositoryFolder, "reprise.config.ts"), data: join(folder, "data"), log: `sqlite:${join(folder, "data")}`, namespace: "" };
    const addresses = Object.fromEntries(
      (["screening", "inventory", "payments", "mail", "analytics"] as const).map((name) => [`ORDER_DESK_${name.toUpperCase()}_URL`, warehouse[name].url]),
    );
    const service = startService(site, { REPRISE_API_KEYS: keysPath, ...addresses });
    const url = (await service.listening) ?? expect.fail(service.stderr());

    copyFileSync(join(repositoryFolder, "ops/alerts.yml"), join(folder, "alerts.yml")); // the rules as they are shipped
    writeFileSync(join(folder, "reprise.key"), scraper);
    writeFileSync(
      join(folder, "prometheus.yml"),
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [alerts.yml]
scrape_configs:
  - job_name: reprise
    authorization: { credentials_file: ${join(folder, "reprise.key")} }
    static_configs: [{ targets: ["${new URL(url).host}"] }]
`,
    );
    const port = await freePort();
    const args = [`--config.file=${join(folder, "prometheus.yml")}`, `--storage.tsdb.path=${join(folder, "tsdb")}`, `--web.listen-address=127.0.0.1:${port}`];
    const prometheus = spawn(program, args, { stdio: "ignore" });
    onTestFinished(() => void prometheus.kill("SIGKILL"));
    const ask = async <T>(path: string): Promise<T> => ((await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()) as { readonly data: T }).data;
    const sampled = async (query: string) =>
      (await ask<{ readonly result: readonly { readonly value: [number, string] }[] }>(`query?query=${encodeURIComponent(query)}`)).result;
    const look = { timeout: 60_000, interval: 500 };
    // A counter that is first seen at 4 has not grown: it has to have been seen before.
    await expect.poll(() => sampled('reprise_deliveries_total{outcome="dead_lettered",handler="inventory"}').catch(() => []), look).toHaveLength(1);
    const { activeTargets } = await ask<{ readonly activeTargets: readonly object[] }>("targets");
    expect(activeTargets).toMatchObject([{ health: "up", lastError: "" }]);

    warehouse.soldOut.add("globe");
    for (let number = 0; number < 6; number++) {
      const { orderId, schemaVersion, sent } = makeOrder(number, { globe: 1 });
      const response = await fetch(`${url}/events`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${shop}` },
        body: JSON.stringify({ type: "order.placed", schema_version: schemaVersion, entity: { type: "order", id: orderId }, data: sent }),
      });
      expect(response.status, await response.text()).toBe(201);
      await wait(300);
    }
    const alerts = async () => (await ask<{ readonly alerts: readonly Alert[] }>("alerts")).alerts;
    await expect
      .poll(async () => (await alerts()).map(({ labels, state }) => `${labels.alertname} ${labels.handler} ${state}`), look)
      .toContain("RepriseDeadLettersGrowing inventory firing");
    const [letters] = await sampled('reprise_dead_letters{handler="inventory"}');
    console.log(`reprise_dead_letters{handler="inventory"} ${letters?.value[1]}, and the alert fires`);
    const [sick] = await sampled("sum(up) != 1");
    expect(sick).toBeUndefined();
  },
);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}
