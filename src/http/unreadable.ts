/** Answers input that never becomes a request: bytes that are not HTTP, requests that take too long, and the few cases that Node answers by itself. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type ErrorCode, RepriseError } from "../errors.ts";
import type { NewId } from "../event/ids.ts";
import { problemBytes, toProblem } from "./problem.ts";

/** Node's and its parser's codes; every other one is bytes that are not HTTP. */
const known: Readonly<Record<string, readonly [code: ErrorCode, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ["REQUEST_TIMEOUT", "The request was not there whole in time."],
  HPE_HEADER_OVERFLOW: ["HEADERS_TOO_LARGE", "The path and the headers are larger than 16 KiB."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ["HEADERS_TOO_LARGE", "The extensions of a chunk are larger than 16 KiB."],
};
const unreadable = ["REQUEST_UNREADABLE", "The request is not readable HTTP/1.1."] as const;

/** An answer that is still to come: `_httpMessage` is the only thing by which Node tells of it. */
type Answering = Pick<ServerResponse, "headersSent" | "req" | "once">;

/** For a server's `clientError`. */
export function makeRefuseUnreadable(newId: NewId): (error: Error & { code?: string }, socket: Duplex) => void {
  return (error, socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    const { _httpMessage: answering } = socket as { readonly _httpMessage?: Answering | null };
    // An earlier request waits for its answer, and its client would take this one for it. So the earlier request gets its answer, and then the connection ends.
    if (answering?.req.complete) return void answering.once("finish", () => socket.destroy());
    if (answering?.headersSent) return void socket.destroy();
    const [code, detail] = known[error.code ?? ""] ?? unreadable;
    socket.end(rawAnswer(new RepriseError(code, detail), "", newId()));
  };
}

/** Answers `Expect` and `CONNECT`, which Node does not hand to the handler of requests. */
export function answerOthers(server: Server, newId: NewId): void {
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    const { problem, body, headers } = answerTo(new RepriseError("EXPECTATION_FAILED", "Only `Expect: 100-continue` can be met."), pathOf(request), newId());
    response.writeHead(problem.status, { ...headers, connection: "close" }).end(body);
  });
  server.on("connect", (request: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => socket.destroy());
    const error = new RepriseError("METHOD_NOT_ALLOWED", "Reprise is no proxy: it knows no CONNECT.");
    socket.end(rawAnswer(error, pathOf(request), newId(), { allow: "GET, HEAD, PATCH, POST" }));
  });
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0]!;
}

export function answerTo(error: RepriseError, path: string, requestId: string) {
  const problem = toProblem(error, { path, requestId });
  const body = problemBytes(problem);
  const headers = { "content-type": "application/problem+json", "content-length": String(body.length), "x-request-id": requestId };
  return { problem, body, headers };
}

function rawAnswer(error: RepriseError, path: string, requestId: string, more: Readonly<Record<string, string>> = {}): string {
  const { problem, body, headers } = answerTo(error, path, requestId);
  const lines = Object.entries({ ...headers, ...more, connection: "close" }).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${problem.status} ${problem.title}`, ...lines, "", body].join("\r\n");
}
