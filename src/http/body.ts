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
  app.addContentTypeParser(/^[\w.-]+\/(?:[\w.+-]+\+)?json(?:\s|;|$)/i, (request: FastifyRequest, payload: IncomingMessage) =>
    isBinaryMode(request) ? readJson(request, payload) : Promise.reject(unknownType(request)),
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

/** Not async: most bodies are small and begin at once, and then this promise is the only one. */
function readJson(request: FastifyRequest, payload: IncomingMessage): Promise<unknown> {
  refuseEncoding(request);
  return readAll(payload, request.headers["content-length"]).then((bytes) => {
    if (bytes.length === 0) return undefined;
    const room = beginBody(request, bytes.length);
    return room === null ? parseJson(bytes) : room.then(() => parseJson(bytes));
  });
}

function refuseEncoding({ headers }: FastifyRequest): void {
  if ((headers["content-encoding"] ?? "identity").toLowerCase() !== "identity") throw unsupported("Compressed bodies are not read.");
  if (headers["content-type"] === jsonType) return;
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(headers["content-type"] ?? "")?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) throw unsupported("JSON is UTF-8; the content-type names another charset.");
}

function readAll(payload: IncomingMessage, declared: string | undefined): Promise<Buffer> {
  const declaredBytes = declared === undefined ? undefined : Number(declared);
  const tooLarge = () => new RepriseError("BODY_TOO_LARGE", `The body is larger than ${maxBodyBytes} bytes.`);
  const cutOff = () => new RepriseError("JSON_MALFORMED", "The request ended before its body was complete.");
  if (declaredBytes !== undefined && declaredBytes > maxDrainedBytes) return Promise.reject(tooLarge());
  if (payload.destroyed) return Promise.reject(cutOff()); // while it waited for its turn: it tells nothing any more
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let ended = false;
    payload.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (bytes > maxDrainedBytes) reject(tooLarge());
    });
    payload.on("end", () => {
      ended = true;
      if (bytes > maxBodyBytes) reject(tooLarge());
      else if (declaredBytes !== undefined && declaredBytes !== bytes) reject(cutOff());
      // Most bodies come in one piece, which is read as it is.
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
    payload.on("error", () => reject(cutOff()));
    payload.on("close", () => ended || reject(cutOff()));
  });
}
