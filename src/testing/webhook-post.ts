import type { Json } from "../event/event.ts";

/** A request as a receiver gets it. */
export interface WebhookPost {
  readonly handler: string;
  readonly url: string;
  /** Names in small letters; with the signature, as a receiver checks it. */
  readonly headers: Readonly<Record<string, string>>;
  /** The CloudEvent. */
  readonly event: { readonly id: string; readonly type: string; readonly data: Json; readonly [attribute: string]: Json };
  /** The text that is signed. */
  readonly body: string;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A receiver in a test. Without one a webhook answers 204. What it throws is a failed connection. */
export type WebhookReceiver = (post: WebhookPost) => WebhookAnswer | Promise<WebhookAnswer>;
