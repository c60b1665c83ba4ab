/** What a store measures of itself, as the HTTP side shows it and adds to it. */

/** Prometheus' own text, or OpenMetrics. */
export type MetricsFormat = "text" | "openmetrics";

/** A request that was answered. */
export interface AnsweredRequest {
  readonly method: string;
  /** As the routes have it, without the values of its parameters; null for a path that there is not. */
  readonly route: string | null;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics {
  /** The page of all series. What is read of the views is at least a second old and at most a minute; what they do not tell in time is left out. */
  page(format: MetricsFormat): Promise<{ readonly contentType: string; readonly text: string }>;
  answered(request: AnsweredRequest): void;
}

export interface Measured {
  /** Null for a store that measures nothing. */
  readonly metrics: Metrics | null;
}
