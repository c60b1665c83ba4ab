/** Reads the page of metrics as a server does, and finds Prometheus' own tool. */
import { spawnSync } from "node:child_process";
import type { FastifyInstance } from "fastify";
import { expect } from "vitest";

/** What was read: by series, `name{label="value",…}` with the labels in the order of their names. */
export type Series = ReadonlyMap<string, number>;

const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;

export function seriesOf(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? name : `${name}{${pairs.map(([key, value]) => `${key}="${value}"`).join(",")}}`;
}

/**
 * Reads Prometheus' text, or OpenMetrics, strictly: each family has its HELP and TYPE before its lines, stands in one piece and ends in what its type allows;
 * no series comes twice; the buckets of a histogram grow up to its count.
 */
export function readPage(text: string, format: "text" | "openmetrics" = "text"): Series {
  const series = new Map<string, number>();
  const types = new Map<string, string>();
  let family = "";
  let helped = "";
  expect(text.endsWith("\n"), "the page ends with a new line").toBe(true);
  const lines = text.split("\n").slice(0, -1);
  if (format === "openmetrics") expect(lines.pop(), "the end of the page").toBe("# EOF");
  for (const each of lines) {
    if (each === "" && format === "text") continue;
    const [, kind, about = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(each) ?? [];
    if (kind === "HELP") {
      expect(rest, `${about} is explained`).not.toBe("");
      helped = about;
    } else if (kind === "TYPE") {
      expect(types.has(about), `${about} is one piece`).toBe(false);
      expect(helped, `${about} is explained`).toBe(about);
      expect(about).toMatch(name);
      expect(["counter", "gauge", "histogram", "summary"]).toContain(rest);
      types.set(about, rest);
      family = about;
    } else addLine(each);
  }
  expectBuckets(series);
  return series;

  function addLine(each: string): void {
    const [, metric = "", labels = "", value = ""] = line.exec(each) ?? expect.fail(`no line of metrics: ${each}`);
    const type = types.get(family);
    const suffix = metric.startsWith(family) ? metric.slice(family.length) : expect.fail(`${metric} among ${family}`);
    if (type === "counter") expect(format === "openmetrics" ? suffix : metric.slice(-6), metric).toBe("_total");
    else if (type === "histogram" || type === "summary") expect(["_bucket", "_sum", "_count", ""], metric).toContain(suffix);
    else expect(suffix, metric).toBe("");
    expect(value).toMatch(/^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]?Inf|NaN)$/i);
    const read: Record<string, string> = {};
    for (let rest = labels; rest !== ""; ) {
      const [whole = "", key = "", of = ""] = label.exec(rest) ?? expect.fail(`no labels: ${each}`);
      expect(key in read, `${key} twice: ${each}`).toBe(false);
      read[key] = of;
      rest = rest.slice(whole.length);
    }
    const key = seriesOf(metric, read);
    expect(series.has(key), `${key} once`).toBe(false);
    series.set(key, Number(value.replace("Inf", "Infinity")));
  }
}

function expectBuckets(series: Series): void {
  const upTo = new Map<string, number>();
  for (const [key, value] of series) {
    const [, metric, labels = ""] = /^(.*)_bucket\{(.*)\}$/.exec(key) ?? [];
    if (metric === undefined) continue;
    const of = labels.replace(/(^|,)le="[^"]*"/, "").replace(/^,/, "");
    const histogram = of === "" ? metric : `${metric}{${of}}`;
    expect(value, `${key} is at least the bucket before it`).toBeGreaterThanOrEqual(upTo.get(histogram) ?? 0);
    upTo.set(histogram, value);
    if (labels.includes('le="+Inf"')) expect(value, key).toBe(series.get(histogram.replace(metric, `${metric}_count`)));
  }
}

/** Prometheus' tool, from `PROMTOOL` or the path; null where the machine has none (Debian: `apt-get install prometheus`). */
export const promtool: string | null = [process.env.PROMTOOL ?? "promtool"].find((tool) => spawnSync(tool, ["--version"]).status === 0) ?? null;

/** @returns what it said, empty when it found nothing. */
export function runPromtool(args: readonly string[], input = ""): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(promtool!, args, { input, encoding: "utf8" });
  return { status, said: `${stdout}${stderr}`.trim() };
}

export async function pageOf(app: FastifyInstance, accept?: string): Promise<{ readonly type: string; readonly text: string }> {
  const { statusCode, headers, body } = await app.inject({ method: "GET", url: "/metrics", headers: accept === undefined ? {} : { accept } });
  expect(statusCode, body).toBe(200);
  return { type: String(headers["content-type"]), text: body };
}

/** A figure of the views may be a second old. */
export async function freshPage(app: FastifyInstance): Promise<Series> {
  await new Promise((resolve) => setTimeout(resolve, 1100));
  return readPage((await pageOf(app)).text);
}

/**
 * Asks the page for each figure, and names what is on the page beyond them. On a busy machine what the views say may come later.
 *
 * @returns the page.
 */
export async function expectFigures(
  app: FastifyInstance,
  figures: Readonly<Record<string, number>>,
  families: readonly string[],
  leftOut: (key: string) => boolean = () => false,
): Promise<Series> {
  const wanted = Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== 0));
  let page: Series = new Map();
  const found = async () => {
    page = await freshPage(app);
    const asked = (key: string) => !leftOut(key) && families.some((family) => key === family || key.startsWith(`${family}{`));
    return Object.fromEntries([...page].filter(([key, value]) => value !== 0 && asked(key)));
  };
  await expect.poll(found, { timeout: 20_000, interval: 10 }).toEqual(wanted);
  return page;
}
