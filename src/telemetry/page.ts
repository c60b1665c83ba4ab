/** The page of all series, written by Prometheus' own client, which also knows those of the process. It is loaded for the first page: that takes 35 ms. */
import type { Metric, Registry as RegistryOf } from "@prometheus-io/client";
import type { MetricsFormat } from "../store/metrics.ts";
import type { Family } from "./series.ts";

type Client = typeof import("@prometheus-io/client");

interface Loaded {
  readonly client: Client;
  /** Memory, CPU, garbage collection: of the process, which may have several stores. */
  readonly ofProcess: RegistryOf;
}

let loading: Promise<Loaded> | null = null;

async function load(): Promise<Loaded> {
  const client = await import("@prometheus-io/client");
  const ofProcess = new client.Registry();
  client.collectDefaultMetrics({ register: ofProcess });
  // `promtool check metrics` refuses some of these for their names, and the delay of the loop is measured here.
  for (const { name } of ofProcess.getMetricsAsArray()) if (/^nodejs_(?:active|eventloop)_/.test(name)) ofProcess.removeSingleMetric(name);
  return { client, ofProcess };
}

export async function writePage(format: MetricsFormat, families: readonly Family[]): Promise<{ readonly contentType: string; readonly text: string }> {
  loading ??= load();
  const { client, ofProcess } = await loading;
  const { PROMETHEUS_CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE } = client.Registry;
  const contentType = format === "openmetrics" ? OPENMETRICS_CONTENT_TYPE : PROMETHEUS_CONTENT_TYPE;
  // A new one for each page: in the other format the client gives counters another name, and keeps it.
  const registry = new client.Registry<typeof contentType>(contentType);
  for (const family of [...families, ...(await familiesOf(ofProcess))]) registry.registerMetric(asMetric(family, format));
  return { contentType, text: await registry.metrics() };
}

async function familiesOf(ofProcess: RegistryOf): Promise<readonly (Omit<Family, "type"> & { readonly type: string })[]> {
  return (await ofProcess.getMetricsAsJSON()).map((metric) => {
    const { name, help, type, values } = metric as unknown as {
      readonly name: string;
      readonly help: string;
      readonly type: string;
      readonly values: readonly { readonly labels: Record<string, string>; readonly value: number; readonly metricName?: string }[];
    };
    return { name, help, type, samples: values.map(({ labels, value, metricName = name }) => ({ labels, value, suffix: metricName.slice(name.length) })) };
  });
}

/** The client asks a metric for its values only, and those of its own cannot be set to what was counted elsewhere. */
function asMetric({ name, help, type, samples }: Omit<Family, "type"> & { readonly type: string }, format: MetricsFormat): Metric {
  const isCounter = type === "counter";
  // OpenMetrics: the family's name is without `_total`, and the client puts it behind each of its lines.
  const named = isCounter && format === "openmetrics" ? name.replace(/_total$/, "") : name;
  const values = samples.map(({ suffix = "", labels, value }) => ({ labels, value, metricName: `${named}${suffix}` }));
  return { name: named, help, type, get: async () => ({ name: named, help, type, values }) } as unknown as Metric;
}
