/**
 * Beside a handler at work: a span of each call. It is linked to the append of the event and no child of it, because it may come days later, and once more with
 * each retry and each replay: a trace that never ends is of no use.
 */
import type { Attributes, Span } from "@opentelemetry/api";
import type { Attempt, AttemptInFlight, AttemptOutcome, AttemptRequest } from "../delivery/attempt/attempt.ts";
import { nothing, Told } from "../delivery/attempt/call-under-way.ts";
import type { HandlerSpec } from "../delivery/handler-spec.ts";
import { build } from "../event/build.ts";
import { spanOf, type Tracing, traceparentOf, tracing } from "./tracing.ts";

export class TracedAttempt implements Attempt {
  readonly #spec: Pick<HandlerSpec, "name" | "definition">;
  readonly #attempt: Attempt;

  constructor(spec: Pick<HandlerSpec, "name" | "definition">, attempt: Attempt) {
    this.#spec = spec;
    this.#attempt = attempt;
  }

  call(request: AttemptRequest): AttemptInFlight | AttemptOutcome {
    const traced = tracing(build);
    return traced === null ? this.#attempt.call(request) : this.#traced(traced, request);
  }

  #traced(traced: Tracing, request: AttemptRequest): AttemptInFlight | AttemptOutcome {
    const { name, definition } = this.#spec;
    const { api, tracer } = traced;
    const appended = spanOf(traced, request.event.metadata.traceparent);
    const links = appended === null ? [] : [{ context: appended }];
    const options = { kind: api.SpanKind.CONSUMER, attributes: attributesOf(name, request), links };
    const span = tracer.startSpan(`process ${name}`, options, api.ROOT_CONTEXT);
    const called = definition.kind === "webhook" ? withSpan(request, traceparentOf(span)) : request;
    const begun = api.context.with(api.trace.setSpan(api.ROOT_CONTEXT, span), () => this.#attempt.call(called));
    if (begun.kind === "running") begun.listen(new Told((outcome) => end(traced, span, outcome), nothing));
    else end(traced, span, begun);
    return begun;
  }
}

/** Never of the event's data. */
function attributesOf(handler: string, { event, attempt, deliveryId, replay }: AttemptRequest): Attributes {
  return {
    "messaging.system": "reprise",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": event.entity.type,
    "messaging.consumer.group.name": handler,
    "messaging.message.id": event.id,
    ...(event.metadata.correlationId === undefined ? {} : { "messaging.message.conversation_id": event.metadata.correlationId }),
    "reprise.event_type": event.type,
    "reprise.tenant": event.tenant,
    "reprise.entity_id": event.entity.id,
    "reprise.revision": event.revision,
    "reprise.delivery_id": deliveryId,
    "reprise.attempt": attempt,
    ...(replay === null ? {} : { "reprise.replay_id": replay.id }),
  };
}

/** The call's own members stay what they are; some of them are made only when they are asked for. */
function withSpan(request: AttemptRequest, traceparent: string): AttemptRequest {
  return new Proxy(request, { get: (target, name) => (name === "traceparent" ? traceparent : Reflect.get(target, name, target)) });
}

function end({ api }: Tracing, span: Span, outcome: AttemptOutcome): void {
  span.setAttribute("reprise.outcome", outcome.kind);
  if ("httpStatus" in outcome && outcome.httpStatus !== undefined) span.setAttribute("http.response.status_code", outcome.httpStatus);
  const failure = classOf(outcome);
  // Not the error's text: what it holds is for those who may read the event.
  if (failure !== null) span.setAttribute("error.type", failure).setStatus({ code: api.SpanStatusCode.ERROR, message: failure });
  span.end();
}

/** As the attempt's record has it. */
function classOf(outcome: AttemptOutcome): string | null {
  switch (outcome.kind) {
    case "failed":
      return outcome.class;
    case "deferred":
      return "not_ready";
    case "gone":
    case "rule_failed":
      return outcome.kind;
    case "completed":
    case "skipped":
    case "escalated":
    case "abandoned":
      return null;
  }
}
