/** What Node answers by itself, or not at all: here on real sockets, since `inject` has none. */
import { EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { serve } from "../../src/http/server.ts";
import { makeRefuseUnreadable } from "../../src/http/unreadable.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, silent } from "../support/http.ts";

interface Read {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  json(): unknown;
}

/** Sends bytes, and reads until the other side closes. */
async function exchange(bytes: string): Promise<Read> {
  const { url, close } = await serve({ store: makeFakeStore(), logger: silent, clock: systemClock, host: "127.0.0.1", port: 0 });
  onTestFinished(close);
  const socket: Socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {});
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  socket.write(bytes);
  await once(socket, "close");
  return parseAnswer(text);
}

function parseAnswer(text: string): Read {
  const [head = "", body = ""] = text.split(/\r\n\r\n(.*)/s);
  const [status = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(": ", 2) as [string, string]));
  return { statusCode: Number(status.split(" ")[1]), headers, json: () => JSON.parse(body) };
}

const host = "Host: 127.0.0.1\r\n";

it.each<[string, number, ErrorCode]>([
  ["no request\r\n\r\n", 400, "REQUEST_UNREADABLE"],
  ["\x16\x03\x01\x02\r\n\r\n", 400, "REQUEST_UNREADABLE"],
  [`GET /healthz HTTP/9.9\r\n${host}\r\n`, 400, "REQUEST_UNREADABLE"],
  [`FROB /healthz HTTP/1.1\r\n${host}\r\n`, 400, "REQUEST_UNREADABLE"],
  [`GET /healthz HTTP/1.1\r\n${host}Bad Header: 1\r\n\r\n`, 400, "REQUEST_UNREADABLE"],
  [`POST /events HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400, "REQUEST_UNREADABLE"],
  [`GET /healthz HTTP/1.1\r\n${host}X: ${"x".repeat(20_000)}\r\n\r\n`, 431, "HEADERS_TOO_LARGE"],
  [`GET /${"x".repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, 431, "HEADERS_TOO_LARGE"],
  ["GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "HOST_MISSING"],
  ["GET /healthz HTTP/1.0\r\n\r\n", 400, "HOST_MISSING"],
  ["GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", 400, "HOST_MISSING"],
  [`POST /events HTTP/1.1\r\n${host}Expect: 200-maybe\r\nContent-Length: 2\r\n\r\n{}`, 417, "EXPECTATION_FAILED"],
  [`CONNECT example.org:443 HTTP/1.1\r\n${host}\r\n`, 405, "METHOD_NOT_ALLOWED"],
  [`TRACE /events HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, 405, "METHOD_NOT_ALLOWED"],
  [`PROPFIND /events HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, 405, "METHOD_NOT_ALLOWED"],
])("%j is answered with a problem", async (bytes, status, code) => {
  const answer = await exchange(bytes);
  expectProblem(answer, status, code);
  expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  if (status === 405) expect(answer.headers.allow).toMatch(/get.*post/);
});

it("a request that takes too long is REQUEST_TIMEOUT", () => {
  const socket = new PassThrough();
  makeRefuseUnreadable(newId)(Object.assign(new Error("late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" }), socket);
  expectProblem(parseAnswer((socket.read() as Buffer).toString()), 408, "REQUEST_TIMEOUT");
});

it("sends no such problem to a request that still waits for its own answer", () => {
  const refuse = (headersSent: boolean, complete: boolean) => {
    const answering = Object.assign(new EventEmitter(), { headersSent, req: { complete } });
    const socket = Object.assign(new PassThrough(), { _httpMessage: answering });
    makeRefuseUnreadable(newId)(Object.assign(new Error("bad"), { code: "HPE_INVALID_METHOD" }), socket);
    return { socket, answering };
  };
  const waiting = refuse(false, true);
  expect([waiting.socket.destroyed, waiting.socket.read()]).toEqual([false, null]);
  waiting.answering.emit("finish");
  expect([waiting.socket.destroyed, waiting.socket.read()]).toEqual([true, null]);
  const begun = refuse(true, false);
  expect([begun.socket.destroyed, begun.socket.read()]).toEqual([true, null]);
});
