/**
 * Spans, where the process has registered an OpenTelemetry SDK. Whether it has is asked at each call, because the answer costs nothing; the API is loaded when
 * the answer is yes, and a process without an SDK never loads it.
 */
import { createRequire } from "node:module";
import type { Span, SpanContext, Tracer } from "@opentelemetry/api";

type Api = typeof import("@opentelemetry/api");

/** Where every copy of the API, whoever loaded it, finds the SDK that was registered. */
const registered = Symbol.for("opentelemetry.js.api.1");
let loaded: Api | null = null;

export interface Tracing {
  readonly api: Api;
  readonly tracer: Tracer;
}

/** Null where no SDK is registered. */
export function tracing(version: string): Tracing | null {
  if (loaded === null) {
    if ((globalThis as { [registered]?: { readonly trace?: unknown } })[registered]?.trace === undefined) return null;
    loaded = createRequire(import.meta.url)("@opentelemetry/api") as Api; // not awaited: a call of a handler begins at once
  }
  return { api: loaded, tracer: loaded.trace.getTracer("reprise", version) };
}

/** The header of the W3C's Trace Context for a span. */
export function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** The span that a header names; null for a text that is none: it is stored as the producer sent it. */
export function spanOf({ api }: Tracing, traceparent: string | undefined): SpanContext | null {
  const [, version, traceId, spanId, flags] = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(traceparent ?? "") ?? [];
  if (version === undefined || version === "ff" || traceId === undefined || spanId === undefined || flags === undefined) return null;
  const span: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return api.trace.isSpanContextValid(span) ? span : null;
}
