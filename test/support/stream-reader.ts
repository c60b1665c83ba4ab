/** A reader of `GET /events/stream`. */
import { type ClientRequest, get, type IncomingMessage } from "node:http";
import { request as requestOverTls } from "node:https";
import { connect } from "node:net";

export interface StreamMessage {
  readonly event: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it is told
  readonly data: any;
}

export interface StreamReader {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly messages: readonly StreamMessage[];
  /** Id of the last block, with or without a message: where the reader would come back. */
  lastId(): string;
  /** Comments so far. */
  comments(): readonly string[];
  /** Resolves when the stream has so many messages. */
  until(count: number): Promise<readonly StreamMessage[]>;
  readonly ended: Promise<void>;
  /** Reads nothing more, and leaves the connection open. */
  stall(): void;
  resume(): void;
  leave(): void;
}

/** @param url of the stream with its query. */
export function readStream(url: string, headers: Readonly<Record<string, string>> = {}, { stalled = false } = {}): Promise<StreamReader> {
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => resolve(readerOf(request, response, stalled));
    // The certificates of tests are their own.
    const request: ClientRequest = url.startsWith("https:")
      ? requestOverTls(url, { headers, agent: false, rejectUnauthorized: false }, take).end()
      : get(url, { headers, agent: false }, take);
    request.on("error", reject);
  });
}

function readerOf(request: ClientRequest, response: IncomingMessage, stalled: boolean): StreamReader {
  const messages: StreamMessage[] = [];
  const comments: string[] = [];
  const waiting = new Set<() => void>();
  let lastId = "";
  let text = "";
  const take = (block: string): void => {
    let event = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      if (line.startsWith(":")) comments.push(line.slice(1).trim());
      else if (line.startsWith("id: ")) lastId = line.slice(4);
      else if (line.startsWith("event: ")) event = line.slice(7);
      else if (line.startsWith("data: ")) data.push(line.slice(6));
    }
    if (data.length > 0) messages.push({ event, id: lastId, data: JSON.parse(data.join("\n")) });
  };
  response.setEncoding("utf8");
  const ended = new Promise<void>((resolve) => response.once("close", resolve));
  response.on("error", () => {});
  request.on("error", () => {});
  response.on("data", (chunk: string) => {
    const blocks = (text + chunk).split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) take(block);
    for (const look of waiting) look();
  });
  if (stalled) response.pause();
  return {
    status: response.statusCode!,
    headers: response.headers,
    messages,
    lastId: () => lastId,
    comments: () => comments,
    ended,
    until: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (messages.length < count) return;
          waiting.delete(look);
          resolve(messages);
        };
        waiting.add(look);
        look();
      }),
    stall: () => void response.pause(),
    resume: () => void response.resume(),
    leave: () => void request.destroy(),
  };
}

/** A reader that reads nothing after the first bytes, and holds nothing itself. */
export function stallOn(url: string): Promise<{ leave(): void }> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`));
    socket.on("error", reject);
    socket.once("readable", () => resolve({ leave: () => void socket.destroy() }));
  });
}
