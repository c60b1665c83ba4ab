/** A small S3 service: it checks each signature by itself, keeps things in memory, and misbehaves where it is told to. */
import { createHash, createHmac, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface S3Call {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly number: number;
}

/**
 * `refuse`: 403. `error`: 500. `slow`: 503. `hang`: no answer. `cut`: half of the body is read, then the connection ends. `lost`: done, and no answer. `half`: half of the
 * body is stored, or given, as if it were all. `wrong`: other bytes are. `redirect`: to somewhere else.
 */
export type Misdeed = "refuse" | "error" | "slow" | "hang" | "cut" | "lost" | "half" | "wrong" | "redirect";

export interface S3StandIn {
  readonly endpoint: string;
  readonly env: Readonly<Record<string, string>>;
  /** By bucket and key. */
  readonly things: Map<string, Buffer>;
  readonly calls: S3Call[];
  /** What it does at this call in place of its work. */
  misbehave: (call: S3Call) => Misdeed | undefined;
  /** Signatures that did not match, in words. */
  readonly badSignatures: string[];
  /** Uploads that were begun and neither ended nor given up. */
  openUploads(): number;
}

const keys = { id: "AKSTANDIN", secret: "stand-in/secret+key", session: "a-session" } as const;
export const standInBucket = "bucket-1";

export async function startS3(): Promise<S3StandIn> {
  const things = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  const calls: S3Call[] = [];
  const badSignatures: string[] = [];
  const server = createServer((request, response) => void serve(request, response).catch((error: unknown) => response.destroy(error as Error)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = {
    ...{ AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: "eu-test-1", HOME: "/nonexistent" },
    ...{ AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret, AWS_SESSION_TOKEN: keys.session },
  };
  const standIn: S3StandIn = { endpoint, env, things, calls, misbehave: () => undefined, badSignatures, openUploads: () => uploads.size };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, endpoint);
    const path = decodeURIComponent(url.pathname.slice(1));
    const call = { method: request.method!, key: path.slice(standInBucket.length + 1), query: url.searchParams, number: calls.length };
    calls.push(call);
    const misdeed = standIn.misbehave(call);
    if (misdeed === "hang") return;
    if (misdeed === "redirect") return void response.writeHead(307, { location: "http://127.0.0.1:9/elsewhere" }).end();
    const expected = Number(request.headers["content-length"] ?? 0);
    const body = await bodyOf(request, misdeed === "cut" ? expected >> 1 : expected);
    if (misdeed === "cut") return void request.socket.destroy();
    const bad = signatureFault(request, url, body);
    if (bad !== null) badSignatures.push(`${call.method} ${call.key}: ${bad}`);
    if (bad !== null || misdeed === "refuse") return answer(response, 403, error("AccessDenied"));
    if (misdeed === "error") return answer(response, 500, error("InternalError"));
    if (misdeed === "slow") return answer(response, 503, error("SlowDown"));
    if (!path.startsWith(standInBucket)) return answer(response, 404, error("NoSuchBucket"));
    const done = work(call, request, changed(body, request.method === "GET" ? undefined : misdeed, call.number));
    if (misdeed === "lost") return void request.socket.destroy();
    answer(response, done.status, request.method === "GET" ? changed(done.body, misdeed, call.number) : done.body, done.headers);
  }

  function work({ method, key, query }: S3Call, request: IncomingMessage, body: Buffer): { status: number; body: Buffer; headers?: Record<string, string> } {
    const there = things.get(key);
    const failed = { status: 412, body: error("PreconditionFailed") };
    const mayPut = (): boolean => {
      const { "if-none-match": none, "if-match": match } = request.headers;
      return (none === undefined || there === undefined) && (match === undefined || (there !== undefined && match === etagOf(there)));
    };
    const uploadId = query.get("uploadId");
    if (query.get("list-type") === "2") return { status: 200, body: list(query) };
    if (query.has("uploads")) {
      const id = randomUUID();
      uploads.set(id, new Map());
      return { status: 200, body: Buffer.from(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`) };
    }
    if (uploadId !== null) {
      const parts = uploads.get(uploadId);
      if (method === "DELETE") return { status: uploads.delete(uploadId) ? 204 : 404, body: Buffer.alloc(0) };
      if (parts === undefined) return { status: 404, body: error("NoSuchUpload") };
      if (method === "PUT") {
        parts.set(Number(query.get("partNumber")), body);
        return { status: 200, body: Buffer.alloc(0), headers: { etag: etagOf(body) } };
      }
      if (!mayPut()) return failed;
      const listed = Array.from(body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag>/g));
      if (listed.some(([, part, etag]) => etagOf(parts.get(Number(part))!) !== etag!.replaceAll("&quot;", '"')))
        return { status: 400, body: error("InvalidPart") };
      uploads.delete(uploadId);
      things.set(key, Buffer.concat(listed.map(([, part]) => parts.get(Number(part))!)));
      return { status: 200, body: Buffer.from("<CompleteMultipartUploadResult/>") };
    }
    if (method === "PUT") {
      if (!mayPut()) return failed;
      things.set(key, body);
      return { status: 200, body: Buffer.alloc(0), headers: { etag: etagOf(body) } };
    }
    if (there === undefined) return { status: 404, body: error("NoSuchKey") };
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const part = from === undefined ? there : there.subarray(Number(from), Number(to) + 1);
    return { status: from === undefined ? 200 : 206, body: part, headers: { etag: etagOf(there) } };
  }

  /** Two names a page, so that few names make several. */
  function list(query: URLSearchParams): Buffer {
    const names = [...things.keys()].filter((key) => key.startsWith(query.get("prefix") ?? "") && key > (query.get("continuation-token") ?? "")).sort();
    const page = names.slice(0, 2);
    const next = names.length > 2 ? `<NextContinuationToken>${page[1]}</NextContinuationToken>` : "";
    return Buffer.from(`<ListBucketResult>${page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("")}${next}</ListBucketResult>`);
  }

  return standIn;
}

/** No two wrong answers are alike. */
function changed(body: Buffer, misdeed: Misdeed | undefined, number: number): Buffer {
  if (misdeed === "half") return body.subarray(0, body.length >> 1);
  if (misdeed !== "wrong" || body.length === 0) return body;
  const other = Buffer.from(body);
  other[((other.length >> 1) + number) % other.length]! ^= 1;
  return other;
}

async function bodyOf(request: IncomingMessage, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let read = 0;
  if (bytes === 0) return Buffer.alloc(0);
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    read += chunk.length;
    if (read >= bytes) break;
  }
  return Buffer.concat(chunks);
}

/** Signature Version 4, as AWS documents it, from the request as it came. Null: it is right. */
function signatureFault(request: IncomingMessage, url: URL, body: Buffer): string | null {
  const { authorization = "", "x-amz-date": date = "", "x-amz-content-sha256": sum } = request.headers as Record<string, string | undefined>;
  const [, credential = "", signed = "", signature = ""] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(authorization) ?? [];
  const [id, day, region, service, end] = credential.split("/");
  if (id !== keys.id || service !== "s3" || end !== "aws4_request" || !date.startsWith(day!)) return "credential";
  if (request.headers["x-amz-security-token"] !== keys.session) return "session";
  if (sha256(body) !== sum) return "body";
  for (const name of ["host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"])
    if (!signed.split(";").includes(name)) return `${name} is not signed`;
  const query = [...url.searchParams]
    .map(([name, value]) => `${strict(name)}=${strict(value)}`)
    .sort()
    .join("&");
  const headers = signed
    .split(";")
    .map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
    .join("");
  const path = url.pathname
    .split("/")
    .map((part) => strict(decodeURIComponent(part)))
    .join("/");
  const canonical = [request.method, path, query, headers, signed, sum].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = [day!, region!, "s3", "aws4_request"].reduce<Buffer | string>(
    (under, word) => createHmac("sha256", under).update(word).digest(),
    `AWS4${keys.secret}`,
  );
  return createHmac("sha256", key).update(text).digest("hex") === signature ? null : "signature";
}

function strict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");
const etagOf = (body: Buffer): string => `"${createHash("md5").update(body).digest("hex")}"`;
const error = (code: string): Buffer => Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);

function answer(response: ServerResponse, status: number, body: Buffer, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...headers, "content-length": body.length }).end(body);
}
