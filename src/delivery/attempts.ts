/** How the handlers of one process are called. */
import type { Clock } from "../event/clock.ts";
import type { Attempt } from "./attempt/attempt.ts";
import { FunctionAttempt } from "./attempt/function-attempt.ts";
import { makeWebhookAttempt } from "./attempt/webhook-attempt.ts";
import type { HandlerDefinition } from "./handler.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { HandlerTwin } from "./handler-twin.ts";

/** How handlers are called in a test. */
export interface CallOptions {
  /** Calls a webhook, in place of a pool of sockets. */
  readonly webhook: (definition: Extract<HandlerDefinition, { kind: "webhook" }>) => Attempt & { readonly close: () => Promise<void> };
  /** Stands around each call. */
  readonly around: (handler: string, attempt: Attempt) => Attempt;
}

export type Twins = ReadonlyMap<string, HandlerTwin | undefined>;

export interface Attempts {
  readonly attempts: ReadonlyMap<string, Attempt>;
  /** Ends the connections to webhooks. */
  close(): Promise<void>;
}

/** @throws CONFIG_INVALID for a webhook whose headers cannot be sent. */
export function makeAttempts(
  handlers: readonly HandlerSpec[],
  twins: Twins,
  { clock, calls = {} }: { readonly clock: Clock; readonly calls?: Partial<CallOptions> },
): Attempts {
  const { webhook, around } = calls;
  const attempts = new Map<string, Attempt>();
  const closers: (() => Promise<void>)[] = [];
  const attemptOf = ({ definition, concurrency }: HandlerSpec): Attempt => {
    if (definition.kind === "function") return new FunctionAttempt(definition, clock);
    const attempt = webhook === undefined ? makeWebhookAttempt({ ...definition, concurrency }, { clock }) : webhook(definition);
    closers.push(() => attempt.close());
    return attempt;
  };
  for (const spec of handlers) {
    const attempt = attemptOf(spec);
    const called = around === undefined ? attempt : around(spec.name, attempt);
    attempts.set(spec.name, twins.get(spec.name)?.attempt(called) ?? called);
  }
  return { attempts, close: async () => void (await Promise.all(closers.map((close) => close()))) };
}
