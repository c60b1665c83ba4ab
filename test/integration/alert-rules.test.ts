/** The alert rules and the dashboard that are shipped: they ask for series that there are, and each rule fires when it should and not otherwise. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { defineConfig } from "../../src/config/config.ts";
import { sections } from "../support/markdown.ts";
import { promtool, readPage, runPromtool } from "../support/prometheus.ts";
import { readText } from "../support/repository-files.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook: string };
}
interface Case {
  readonly name: string;
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
}

const rules = (parse(readText("ops/alerts.yml")) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] }).groups.flatMap((group) => group.rules);
const cases = (parse(readText("ops/alerts.test.yml")) as { readonly tests: readonly Case[] }).tests.flatMap((each) => each.alert_rule_test);
const dashboard = readText("ops/grafana.json");

/** Names of series, without what a histogram puts behind. */
const seriesIn = (text: string): ReadonlySet<string> =>
  new Set(Array.from(text.matchAll(/\b(?:reprise|process)_[a-z_]+\b/g), ([name]) => name.replace(/_(?:bucket|count|sum)$/, "")));

describe("the alert rules", () => {
  it("never add up what each of several instances says of the whole log", () => {
    const sums = /sum(?: by \([a-z, ]*\))? ?\(reprise_(?:dead_letters|waiting_events|escalations|lanes)\b/;
    expect([dashboard, ...rules.map(({ expr }) => expr)].filter((text) => sums.test(text))).toEqual([]);
  });

  it("and the dashboard ask for series that are on the page", async () => {
    const store = await startStore(defineConfig({ events: [], handlers: [] }), temporaryFolder());
    const { text } = await store.metrics!.page("text");
    readPage(text);
    const families = new Set(Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name!));
    const asked = new Set([...rules.flatMap(({ expr }) => [...seriesIn(expr)]), ...seriesIn(dashboard)]);
    expect([...asked].filter((name) => !families.has(name))).toEqual([]);
    const ofReprise = [...families].filter((name) => name.startsWith("reprise_"));
    expect(ofReprise.filter((name) => !asked.has(name))).toEqual([]);
  });

  it("each have a case that fires, one that does not, and a heading in the page for whoever is called", () => {
    const names = rules.map(({ alert }) => alert);
    for (const name of names) {
      const its = cases.filter(({ alertname }) => alertname === name).map(({ exp_alerts }) => exp_alerts.length > 0);
      expect(new Set(its), name).toEqual(new Set([true, false]));
    }
    expect([...sections(readText("docs/observing.md"), 3).keys()]).toEqual(names);
    expect(rules.map(({ annotations: { runbook } }) => runbook)).toEqual(names.map((name) => `docs/observing.md#${name.toLowerCase()}`));
  });

  it.skipIf(promtool === null)("pass Prometheus' own tool, which sees a rule that does not fire (skipped where there is no promtool)", () => {
    const ops = join(repositoryFolder, "ops");
    expect(runPromtool(["check", "rules", join(ops, "alerts.yml")]).status).toBe(0);
    expect(runPromtool(["test", "rules", join(ops, "alerts.test.yml")])).toMatchObject({ status: 0, said: expect.stringContaining("SUCCESS") });
    for (const [from, to] of [
      ["reprise_log_up == 0", "reprise_log_up == 2"],
      ["> 86400", "> 60"],
    ] as const) {
      const folder = temporaryFolder();
      const text = readFileSync(join(ops, "alerts.yml"), "utf8");
      expect(text).toContain(from);
      writeFileSync(join(folder, "alerts.yml"), text.replace(from, to));
      writeFileSync(join(folder, "alerts.test.yml"), readFileSync(join(ops, "alerts.test.yml")));
      expect(runPromtool(["test", "rules", join(folder, "alerts.test.yml")]).status, to).not.toBe(0);
    }
  });
});
