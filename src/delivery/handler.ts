import type { EventDefinition, EventOf } from "../catalog/define.ts";
import type { CurrentEvent } from "../event/event.ts";
import type { OnDue } from "../records/escalation.ts";
import type { HandlerContext } from "./handler-context.ts";
import type { BreakerOptions } from "./integration-definition.ts";

/** What a handler may answer: nothing, or `skip(reason)`. */
type Answer = Promise<void> | Promise<Skipped> | Promise<Skipped | undefined> | Skipped | void;

type Handle<E extends EventDefinition> = (event: EventOf<E>, context: HandlerContext) => Answer;
/** A function for each event type of E but those of I. */
export type On<E extends EventDefinition, I extends string = never> = { readonly [D in E as Exclude<D["type"], I>]: Handle<D> };

/** Part of the back-off that is random: none, the whole wait (`full`), half of it (`equal`), or a ratio around it such as 0.1. */
export type Jitter = "none" | "full" | "equal" | number;

/** What becomes of a delivery that used up its attempts or failed terminally. */
export type OnExhausted = "dead_letter" | "skip" | "escalate";

/** Names of the presets: what a task can bear. */
export type PresetName = "readOnly" | "notification" | "mutation" | "payment" | "bestEffort";

export interface RetryOptions {
  /** Calls in all, the first one included. Default 3; with a `schedule`, one more than it has waits. */
  readonly maxAttempts?: number;
  /** Wait before attempt n+1 = min(initialDelayMs · factor^(n−1), maxDelayMs), at least 10 ms, at most a week. Defaults 2000, 2, 60000. */
  readonly initialDelayMs?: number;
  readonly factor?: number;
  readonly maxDelayMs?: number;
  readonly jitter?: Jitter;
  /**
   * The waits one by one, in place of a back-off (`initialDelayMs`, `factor`, `maxDelayMs`), never beside one: [1000, 5000, 60_000]. 1 to 100 of them; with
   * more attempts than that the last wait comes again and again. No jitter unless `jitter` stands beside it.
   */
  readonly schedule?: readonly number[];
  /**
   * No attempt begins later than this after the first one: calls and waits are counted, but no time in which the service does not run. At most a year.
   * Default: no such limit.
   */
  readonly maxElapsedMs?: number;
  /** Overrides the handler's `timeoutMs`. */
  readonly timeoutMs?: number;
  /** Names of error classes that are terminal at once. */
  readonly nonRetryable?: readonly string[];
  /** `dead_letter` (default), `skip`, with a record, or `escalate`: a dead letter that shows as `escalated`, because a person has to decide. */
  readonly onExhausted?: OnExhausted;
}

/** @typeParam T the event types that the handler takes. */
export interface HandlerOptions<T extends string = string> {
  /** `[a-z][a-z0-9-]{0,62}`, stable for ever: the journal is named after it. */
  readonly name: string;
  /** `strict` (default): a dead letter holds its entity's later events. `relaxed`: it does not. */
  readonly ordering?: "strict" | "relaxed";
  /** Deliveries in flight at once, 1 to 256; default 16. */
  readonly concurrency?: number;
  /** Where a new handler begins; required when the log already holds events. */
  readonly startFrom?: "beginning" | "now";
  /** Parts of its entities, 1 to 64, each worked on by one instance at a time. It counts while the handler is new. Default 1; for many instances on one log 16. */
  readonly partitions?: number;
  /** What the task can bear: a set of defaults, `presets[preset]`. What stands beside it goes before it, field by field. Default: none of them. */
  readonly preset?: PresetName;
  /** What it calls, by name: concurrency, rate and breaker are that integration's, over all handlers that share it. */
  readonly integration?: string;
  /** A breaker of the handler's own, for one that names no integration. Default: that of the preset, or none. */
  readonly breaker?: BreakerOptions | boolean;
  readonly retry?: RetryOptions;
  /** By event type; what is left out is taken from `retry`. */
  readonly retryByType?: { readonly [N in T]?: RetryOptions };
  /** An attempt's patience, 1 to 900000; default 15000. */
  readonly timeoutMs?: number;
  /** `batch` (default): outcomes are recorded every 20 ms. `each`: before the entity's next event starts, for handlers that bear no repeat. */
  readonly record?: "batch" | "each";
  /** `escalate`: a call that was under way when the process died is never repeated by itself; a person decides. Default `repeat`. */
  readonly unknownOutcome?: "repeat" | "escalate";
  /** How long people have for a decision on what is escalated, and what becomes of it then. */
  readonly escalation?: EscalationOptions;
  /**
   * Says which failures are alike, in place of handler, class, type, message and place: those with the same text, of at most 128 characters, are one error
   * group. `error` is what was thrown; for a time-out, a webhook, and what is no Error it is made of the recorded type (`name`) and message. When it throws
   * or gives no text, it counts as left out.
   */
  readonly fingerprint?: (error: Error, event: CurrentEvent) => string;
}

export interface EscalationOptions {
  /** 10 ms to a year; default 24 h. */
  readonly dueInMs?: number;
  /** `wait` (default): it stays open. `reject`: the delivery is discarded, as `expired`. */
  readonly onDue?: OnDue;
}

/** What a rule says of an event: the reason for which a person has to decide, or `false` (also nothing, or an empty text): the handler is called. */
type EscalateAnswer = string | boolean | null | undefined;
/** A rule as config and delivery keep it, its event forgotten. */
export type EscalateRule = (event: never) => EscalateAnswer;

/** A user's function. `events` gives `on` its types (a list or the whole catalog); without it data is unknown. */
export interface FunctionHandler<E extends readonly EventDefinition[] = readonly EventDefinition[], I extends E[number]["type"] = never>
  extends HandlerOptions<Exclude<E[number]["type"], I>> {
  readonly events?: E;
  /** Those of `events` that are not for this handler; all others need a function. */
  readonly ignore?: readonly I[];
  /** A function for each of `events`, so that one that is forgotten, or new in the catalog, does not compile. */
  readonly on: NoInfer<On<E[number], I>>;
  /**
   * Asked before each call whether a person has to decide on the event first; one that is approved is not asked about again. It answers at once, changes
   * nothing, and an answer that is neither a reason nor `false` keeps the event from the handler: a dead letter says what was wrong.
   */
  readonly escalate?: (event: EventOf<NoInfer<E[number]>>) => EscalateAnswer;
  /**
   * A dry run of a replay may call it, with `context.replay.mode` "dry_run": it changes nothing outside then, whatever it is asked. Default false:
   * a dry run ends before it.
   */
  readonly dryRun?: boolean;
}

/** What a webhook's `events` lists: event types by their names or definitions, or `["*"]` for all of the catalog. */
export type WebhookEvents = readonly (string | EventDefinition)[];
type Names<N extends WebhookEvents> = N[number] extends infer One ? (One extends EventDefinition ? One["type"] : One & string) : never;

export interface WebhookHandler<N extends WebhookEvents = WebhookEvents> extends HandlerOptions<"*" extends Names<N> ? string : Names<N>> {
  /** http or https. */
  readonly url: string;
  /** Event types, or `["*"]` for all of the catalog. */
  readonly events: N;
  /** Standard Webhooks secret `whsec_<base64>`, or several while rotating: each signs. */
  readonly secret?: string | readonly string[];
  /** As a function's. */
  readonly escalate?: (event: CurrentEvent) => EscalateAnswer;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A handler as `defineHandler` and `webhookHandler` make it; config.ts checks it and fills in the defaults.
 *
 * @typeParam T the event types that it names, where the compiler knows them: `defineConfig` compares them with the catalog.
 */
// biome-ignore lint/suspicious/noExplicitAny: what names no types fits every catalog, and `string` would fit none.
export type HandlerDefinition<T extends string = any> =
  | ({
      readonly kind: "function";
      readonly events?: readonly EventDefinition<T>[];
      readonly ignore?: readonly string[];
      readonly on: Readonly<Record<string, AnyHandle>>;
      readonly dryRun?: boolean;
      readonly escalate?: EscalateRule;
    } & HandlerOptions)
  | ({ readonly kind: "webhook"; readonly events: readonly T[]; readonly escalate?: EscalateRule } & Omit<WebhookHandler, "events" | "escalate">);

/** A handle whose event type is forgotten: the catalog makes sure that it only ever sees its own. */
export type AnyHandle = (event: never, context: HandlerContext) => Answer;

/** Without the names of event types, or with the names of any, a handler fits every catalog. */
// biome-ignore lint/suspicious/noExplicitAny: see HandlerDefinition
type Named<T extends string> = string extends T ? any : T;

/** Defines a handler in this process: `on` maps event types to functions, one for each of `events` that `ignore` does not name. */
export function defineHandler<const E extends readonly EventDefinition[] = readonly EventDefinition[], const I extends E[number]["type"] = never>(
  handler: FunctionHandler<E, I>,
): HandlerDefinition<Named<E[number]["type"]>> {
  return {
    ...(handler as HandlerOptions & Pick<FunctionHandler, "events" | "dryRun"> & { readonly escalate?: EscalateRule }),
    kind: "function",
    on: handler.on as Readonly<Record<string, AnyHandle>>,
  };
}

/** Defines a handler elsewhere: each event is POSTed to `url` as a CloudEvent, signed as Standard Webhooks says. */
export function webhookHandler<const N extends WebhookEvents>(handler: WebhookHandler<N>): HandlerDefinition<Named<Names<N>>> {
  const nameOf = (one: unknown): unknown => (typeof one === "object" && one !== null && "type" in one ? one.type : one);
  // What is no list is refused with the rest of the config.
  const events: unknown = Array.isArray(handler.events) ? handler.events.map(nameOf) : handler.events;
  return {
    ...(handler as Omit<WebhookHandler, "events" | "escalate"> & { readonly escalate?: EscalateRule }),
    kind: "webhook",
    events: events as readonly Named<Names<N>>[],
  };
}

/** Thrown by a handler: no further attempt can help; a person has to look. The delivery is dead-lettered at once with cause `terminal`. */
export class Terminal extends Error {
  override readonly name: string = "Terminal";
}

/**
 * Thrown by a handler: a person has to decide. The delivery is escalated at once; approved, the handler is called again, with `context.approval` set. The
 * message is the reason that is shown, at most 500 characters of it.
 */
export class Escalate extends Error {
  override readonly name: string = "Escalate";

  constructor(reason: string) {
    super(reason);
  }
}

/** Thrown by a handler that cannot work just now (a model's rate limit, a dependency that starts up): tried again later, and no attempt is used. */
export class NotReady extends Error {
  override readonly name: string = "NotReady";
  /** Milliseconds to wait, 10 ms to 24 h, and longer with each deferral that follows; without it the retry policy's delay. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { readonly retryAfterMs?: number } = {}) {
    super(message);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Thrown by a handler whose receiver said when to come back (a 429, a rate limit): tried again then, and no attempt is used. Another than `NotReady` it says
 * something about the receiver, not about this event.
 */
export class RetryAfter extends Error {
  override readonly name: string = "RetryAfter";
  /** Milliseconds to wait, 10 ms to 24 h; undefined when a time was given. */
  readonly retryAfterMs: number | undefined;
  /** The time to wait for, on this machine's clock. */
  readonly at: Date | undefined;

  /** @param when milliseconds from now, or a time. What is neither counts as unknown: the retry policy's delay. */
  constructor(when: number | Date, message = "the receiver asked to wait") {
    super(message);
    this.retryAfterMs = typeof when === "number" ? when : undefined;
    this.at = when instanceof Date ? when : undefined;
  }
}

/** The most of a reason to skip that is kept. */
export const maxReasonChars = 500;

/** What `skip` makes. */
export class Skipped {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/**
 * Returned by a handler that has nothing to do for the event: the delivery ends as `skipped`, with the reason on record, and the lane goes on. Of an event that
 * was split, the part is done, and the answer for its last part is the delivery's.
 *
 * @param reason at most 500 characters are kept.
 */
export function skip(reason: string): Skipped {
  return new Skipped(reason);
}
