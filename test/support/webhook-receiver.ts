import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type Call, type History, makeHistory } from "./history-checker.ts";

/** The CloudEvent that a webhook gets, as far as tests look at it. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly tenant: string;
  readonly schemaversion: number;
  readonly revision: number;
  readonly deliveryid: string;
  readonly attempt: number;
  readonly replayid?: string;
  readonly data: unknown;
}

export interface Received {
  readonly event: ReceivedEvent;
  readonly headers: IncomingHttpHeaders;
  readonly call: Call;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly Received[];
  readonly history: History;
  /** How it answers from now on. Each request begins as one call in the history, and ends with its answer. */
  answer(reply: (event: ReceivedEvent) => Reply | Promise<Reply>): void;
}

/** A webhook's other end on 127.0.0.1: keeps all it gets, says 200 until told otherwise, and closes when the test is over. */
export async function openWebhookReceiver(): Promise<WebhookReceiver> {
  const history = makeHistory();
  const received: Received[] = [];
  let reply: (event: ReceivedEvent) => Reply | Promise<Reply> = () => ({ status: 200 });
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const event = JSON.parse(Buffer.concat(chunks).toString()) as ReceivedEvent;
    const call = history.begin({
      lane: `${event.tenant}.${event.subject.replace("/", "-")}`,
      revision: event.revision,
      attempt: event.attempt,
      deliveryId: event.deliveryid,
      replayId: event.replayid ?? null,
    });
    received.push({ event, headers: request.headers, call });
    response.once("close", () => history.end(call, "failed")); // the caller gave up
    const { status, headers = {} } = await reply(event);
    history.end(call, status < 300 ? "completed" : status === 429 || headers["retry-after"] !== undefined ? "deferred" : "failed");
    response.writeHead(status, headers).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    history,
    answer(next) {
      reply = next;
    },
  };
}
