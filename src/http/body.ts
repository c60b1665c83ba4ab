import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { RepriseError } from "../errors.ts";
import { parseJson } from "./json.ts";
import { beginBody } from "./under-way.ts";

export const maxBodyBytes = 4 * 1024 * 1024;
/** When a body is too large, so much of it is read and thrown away, so that the client gets the answer in place of a reset connection. */
const maxDrainedBytes = 16 * maxBodyBytes;

const jsonType = "application/json";
export const cloudEventType = "application/cloudevents+json";
export const cloudEventBatchType = "application/cloudevents-batch+json";

/** Bodies are JSON and nothing else; they reach the routes as `unknown`, undefined when empty. */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(jsonType, readJson);
  app.addContentTypeParser("*", (request: FastifyRequest) => Promise.reject(unknownType(request)));
}

/** Routes of this context read CloudEvents, too: structured, in batches, and in binary mode, where the content-type is that of the data. */
export function readCloudEvents(app: FastifyInstance): void {
  app.addContentTypeParser([cloudEventType, cloudEventBatchType], readJson);
  app.addContentTypeParser(/^[\w.-]+\/(?:[\w.+-]+\+)?json(?:\s|;|$)/i, (request: FastifyRequest, payload: IncomingMessage, done: Done) =>
    isBinaryMode(request) ? readJson(request, payload, done) : done(unknownType(request)),
  );
}

/** CloudEvents, HTTP binding 1.0.2, 3: the attributes are in headers. With a content-type of CloudEvents they may be there as well, and do not count. */
export function isBinaryMode(request: FastifyRequest): boolean {
  for (const name in request.headers) if (name.startsWith("ce-")) return !mediaType(request).startsWith("application/cloudevents");
  return false;
}

/** The media type without its parameters; empty when none was sent. */
export function mediaType(request: FastifyRequest): string {
  const type = request.headers["content-type"] ?? "";
  return type === jsonType ? type : type.split(";", 1)[0]!.trim().toLowerCase();
}

export function unsupported(detail: string): RepriseError {
  return new RepriseError("MEDIA_TYPE_UNSUPPORTED", detail);
}

function unknownType({ headers }: FastifyRequest): RepriseError {
  return unsupported(headers["content-type"] === undefined ? "The body has no content-type." : "The body's content-type is not known here.");
}

type Done = (error: Error | null, body?: unknown) => void;

/** By way of `done`: most bodies are small and are parsed at once, and three promises for each are a fiftieth of a small append. */
function readJson(request: FastifyRequest, payload: IncomingMessage, done: Done): void {
  refuseEncoding(request);
  readAll(payload, request.headers["content-length"], (error, bytes) => {
    if (error !== null) return done(error);
    let parsed: unknown;
    try {
      parsed = begin(request, bytes!);
    } catch (refusal) {
      return done(refusal as Error);
    }
    if (parsed instanceof Promise) parsed.then((body) => done(null, body), done);
    else done(null, parsed);
  });
}

/** @returns a promise where the body has to wait for room, or is large. */
function begin(request: FastifyRequest, bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const room = beginBody(request, bytes.length);
  return room === null ? parseJson(bytes) : room.then(() => parseJson(bytes));
}

function refuseEncoding({ headers }: FastifyRequest): void {
  if ((headers["content-encoding"] ?? "identity").toLowerCase() !== "identity") throw unsupported("Compressed bodies are not read.");
  if (headers["content-type"] === jsonType) return;
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(headers["content-type"] ?? "")?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) throw unsupported("JSON is UTF-8; the content-type names another charset.");
}

/** @param take is called once. */
function readAll(payload: IncomingMessage, declared: string | undefined, take: (error: Error | null, bytes?: Buffer) => void): void {
  const declaredBytes = declared === undefined ? undefined : Number(declared);
  if (declaredBytes !== undefined && declaredBytes > maxDrainedBytes) return void take(tooLarge());
  if (payload.destroyed) return void take(cutOff()); // while it waited for its turn: it tells nothing any more
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isTaken = false;
  const end = (error: Error | null): void => {
    if (isTaken) return;
    isTaken = true;
    if (error !== null) take(error);
    // Most bodies come in one piece, which is read as it is.
    else take(null, chunks.length === 1 ? chunks.pop() : Buffer.concat(chunks.splice(0), bytes)); // not kept while the answer waits
  };
  payload.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > maxDrainedBytes) end(tooLarge());
  });
  payload.on("end", () => end(bytes > maxBodyBytes ? tooLarge() : declaredBytes !== undefined && declaredBytes !== bytes ? cutOff() : null));
  payload.on("error", () => end(cutOff()));
  payload.on("close", () => isTaken || end(cutOff()));
}

function tooLarge(): RepriseError {
  return new RepriseError("BODY_TOO_LARGE", `The body is larger than ${maxBodyBytes} bytes.`);
}

function cutOff(): RepriseError {
  return new RepriseError("JSON_MALFORMED", "The request ended before its body was complete.");
}
