/** The append of a store, and a twin of it that makes a span of each: its events bear it, so that their deliveries can be linked to it whenever they come. */
import { isRepriseError } from "../errors.ts";
import { build } from "../event/build.ts";
import { entityTypePattern } from "../event/names.ts";
import type { AppendInputs } from "../store/append/append.ts";
import type { EventInput } from "../store/append/event-input.ts";
import { spanOf, type Tracing, traceparentOf, tracing } from "./tracing.ts";

export function tracedAppend(append: AppendInputs): AppendInputs {
  // Not async: without an SDK it would put a promise more around each append.
  return (input, options) => {
    const traced = tracing(build);
    return traced === null ? append(input, options) : appendIn(traced, append, input, options);
  };
}

async function appendIn(traced: Tracing, append: AppendInputs, input: Parameters<AppendInputs>[0], options: Parameters<AppendInputs>[1]) {
  const { api, tracer } = traced;
  const inputs = [input].flat() as readonly (EventInput | undefined)[];
  const type = entityTypeOf(inputs);
  const attributes = {
    "messaging.system": "reprise",
    "messaging.operation.name": "append",
    "messaging.operation.type": "send",
    ...(type === null ? {} : { "messaging.destination.name": type }),
    ...(inputs.length === 1 ? {} : { "messaging.batch.message_count": inputs.length }),
  };
  const span = tracer.startSpan(type === null ? "append" : `append ${type}`, { kind: api.SpanKind.PRODUCER, attributes }, contextOf(traced, inputs));
  const traceparent = traceparentOf(span);
  const marked = Array.isArray(input) ? input.map((one) => mark(one, traceparent)) : mark(input as EventInput, traceparent);
  try {
    const appended = await api.context.with(api.trace.setSpan(api.context.active(), span), () => append(marked, options));
    if (appended.length === 1) span.setAttribute("messaging.message.id", appended[0]!.id);
    return appended;
  } catch (error) {
    const code = isRepriseError(error) ? error.code : "INTERNAL";
    span.setAttribute("error.type", code).setStatus({ code: api.SpanStatusCode.ERROR, message: code });
    throw error;
  } finally {
    span.end();
  }
}

/** Null for events of several types, or for what is no event: nothing has been checked yet. */
function entityTypeOf(inputs: readonly (EventInput | undefined)[]): string | null {
  const types = new Set(inputs.map((input): unknown => input?.entity?.type));
  const [type] = types;
  return types.size === 1 && typeof type === "string" && entityTypePattern.test(type) ? type : null;
}

/** Whose work it is: the caller's own span, or that of a producer elsewhere, which its only event names. */
function contextOf(traced: Tracing, inputs: readonly (EventInput | undefined)[]) {
  const { api } = traced;
  const active = api.context.active();
  if (inputs.length !== 1 || api.trace.getSpan(active) !== undefined) return active;
  const given: unknown = inputs[0]?.traceparent;
  const producer = typeof given === "string" ? spanOf(traced, given) : null;
  return producer === null ? active : api.trace.setSpanContext(active, producer);
}

/** What a producer has marked stays as it is. */
function mark(input: EventInput, traceparent: string): EventInput {
  return typeof input !== "object" || input === null || input.traceparent !== undefined ? input : { ...input, traceparent };
}
