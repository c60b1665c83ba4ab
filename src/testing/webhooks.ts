/** Stands in for the receivers of webhooks: no request leaves the process. */
import type { Dispatcher } from "undici";
import type { PlannedFailures } from "./planned-failures.ts";
import type { WebhookAnswer, WebhookPost, WebhookReceiver } from "./webhook-post.ts";

/** The oldest are forgotten. */
const keptPosts = 10_000;
const accepted: WebhookAnswer = { status: 204 };

export class Webhooks {
  readonly posts: WebhookPost[] = [];
  readonly #receivers: Readonly<Record<string, WebhookReceiver>>;
  readonly #planned: PlannedFailures;

  constructor(receivers: Readonly<Record<string, WebhookReceiver>>, planned: PlannedFailures) {
    this.#receivers = receivers;
    this.#planned = planned;
  }

  senderOf(handler: string): Dispatcher {
    const dispatch: Dispatcher["dispatch"] = (options, receiver) => {
      const exchange = new Exchange(receiver);
      if (exchange.aborted) return true;
      const post = postOf(handler, options);
      if (this.posts.push(post) > keptPosts) this.posts.shift();
      this.#answer(post).then(
        (answer) => exchange.answer(answer),
        (error: unknown) => exchange.fail(error instanceof Error ? error : new Error(String(error))),
      );
      return true;
    };
    return { dispatch } as Dispatcher; // undici uses nothing else of it for one request
  }

  async #answer(post: WebhookPost): Promise<WebhookAnswer> {
    const planned = this.#planned.take(post.handler);
    const given = planned === null ? undefined : planned.error;
    if (isAnswer(given)) return given;
    if (planned !== null) throw given;
    const receiver = Object.hasOwn(this.#receivers, post.handler) ? this.#receivers[post.handler]! : () => accepted;
    const answer = await receiver(post);
    if (!isAnswer(answer)) throw new TypeError(`The receiver of ${post.handler} answers { status: 200 } with a status from 200 to 599.`);
    return answer;
  }
}

function isAnswer(given: unknown): given is WebhookAnswer {
  if (typeof given !== "object" || given === null || !("status" in given)) return false;
  return Number.isInteger(given.status) && Number(given.status) >= 200 && Number(given.status) <= 599;
}

function postOf(handler: string, { origin, path, headers, body }: Dispatcher.DispatchOptions): WebhookPost {
  const text = String(body);
  const flat = headers as readonly string[]; // name, value, name, value
  const names = Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at]!.toLowerCase(), flat[2 * at + 1]!] as const);
  return { handler, url: `${String(origin)}${path}`, headers: Object.fromEntries(names), body: text, event: JSON.parse(text) as WebhookPost["event"] };
}

/** One request and its answer, in undici's words. */
class Exchange {
  readonly #receiver: Dispatcher.DispatchHandler;
  readonly #controller: Dispatcher.DispatchController;
  aborted = false;

  constructor(receiver: Dispatcher.DispatchHandler) {
    this.#receiver = receiver;
    this.#controller = {
      aborted: false,
      paused: false,
      reason: null,
      rawHeaders: null,
      rawTrailers: null,
      pause() {},
      resume() {},
      abort: (why) => this.fail(why),
    };
    receiver.onRequestStart?.(this.#controller, {});
  }

  answer({ status, headers = {}, body = "" }: WebhookAnswer): void {
    if (this.aborted) return;
    this.#receiver.onResponseStart?.(this.#controller, status, lowerCase(headers), "");
    if (body !== "") this.#receiver.onResponseData?.(this.#controller, Buffer.from(body));
    if (!this.aborted) this.#receiver.onResponseEnd?.(this.#controller, {});
  }

  fail(error: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#receiver.onResponseError?.(this.#controller, error);
  }
}

const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
