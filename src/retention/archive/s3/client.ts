/** Signed requests to one bucket, repeated while it makes sense. */
import { AwsClient } from "aws4fetch";
import { RepriseError } from "../../../errors.ts";
import type { Clock } from "../../../event/clock.ts";
import { messageOf } from "../../../event/thrown.ts";
import { type BackOff, backOff, within } from "../../../event/waits.ts";
import { sha256Of } from "../large-bytes.ts";
import type { CredentialSource } from "./credentials.ts";

export interface S3Request {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below the bucket; empty: the bucket. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Answers that are none of its successes and yet no failure: they are handed back. */
  readonly also?: readonly number[];
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The request was sent before, and what came of that is not known. */
  readonly repeated: boolean;
}

export interface S3Client {
  /** @throws ARCHIVE_UNAVAILABLE after the last try, or for an answer that no repetition changes. */
  ask(request: S3Request): Promise<S3Answer>;
}

/** How patiently a service is asked. */
export interface Patience {
  readonly tries: number;
  readonly waits: BackOff;
  /** For one request, and for each megabyte that it sends or that comes. */
  readonly timeoutMs: number;
  readonly timeoutPerMegabyteMs: number;
}

export const usualPatience: Patience = { tries: 5, waits: { firstMs: 200, lastMs: 10_000 }, timeoutMs: 30_000, timeoutPerMegabyteMs: 5000 };

interface ClientNeeds {
  /** With the bucket, path style. */
  readonly base: string;
  /** How the place is shown. */
  readonly shown: string;
  readonly region: string;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly patience: Patience;
}

/** More than a segment has. */
const mostBytes = 128 * 1024 * 1024;
const megabyte = 1024 * 1024;

type Try = { readonly is: "answer"; readonly answer: Omit<S3Answer, "repeated"> } | { readonly is: "trouble"; readonly why: string };

export function makeS3Client({ base, shown, region, credentials, clock, patience }: ClientNeeds): S3Client {
  async function send({ method, key, query = {}, headers = {}, body }: S3Request, signal: AbortSignal): Promise<Try> {
    const url = new URL(`${base}${key === "" ? "" : `/${key.split("/").map(encodeURIComponent).join("/")}`}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const aws = new AwsClient({ ...(await credentials.now()), service: "s3", region, retries: 0 });
    // The signature covers the body: a service refuses one that was cut or changed on its way.
    const sum = { "x-amz-content-sha256": await sha256Of(body ?? new Uint8Array()) };
    try {
      const signed = await aws.sign(url, { method, headers: { ...headers, ...sum }, ...(body === undefined ? {} : { body: new Uint8Array(body) }) });
      const response = await fetch(signed, { redirect: "manual", signal });
      return { is: "answer", answer: { status: response.status, headers: response.headers, body: await bodyOf(response) } };
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      return { is: "trouble", why: messageOf(cause) };
    }
  }

  async function tryOnce(request: S3Request): Promise<Try> {
    const over = new AbortController();
    const ms = patience.timeoutMs + (mostBytesOf(request) / megabyte) * patience.timeoutPerMegabyteMs;
    const late = (): Try => {
      over.abort();
      return { is: "trouble", why: `no answer within ${Math.round(ms / 1000)} s` };
    };
    return within(send(request, over.signal), ms, clock, late);
  }

  return {
    async ask(request) {
      let why = "";
      for (let tried = 0; tried < patience.tries; tried++) {
        if (tried > 0) await backOff(tried - 1, patience.waits, clock);
        const found = await tryOnce(request);
        if (found.is === "trouble") {
          why = found.why;
          continue;
        }
        const { status, body } = found.answer;
        if ((status >= 200 && status < 300) || request.also?.includes(status)) return { ...found.answer, repeated: tried > 0 };
        why = `it answers ${status}${codeOf(body)}`;
        if (status === 403) credentials.refused();
        const mayPass = status >= 500 || status === 429 || status === 408 || status === 409 || (status === 403 && tried === 0);
        if (!mayPass) break;
      }
      throw new RepriseError("ARCHIVE_UNAVAILABLE", `${shown}: ${request.method} ${request.key || "the bucket"}: ${why}.`);
    },
  };
}

function mostBytesOf({ method, body }: S3Request): number {
  return method === "GET" ? 32 * megabyte : (body?.length ?? 0);
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error("the answer is larger than any segment");
    chunks.push(chunk);
  }
  const said = response.headers.get("content-length");
  if (said !== null && response.headers.get("content-encoding") === null && Number(said) !== bytes) throw new Error("the answer was cut off");
  return Buffer.concat(chunks);
}

/** The service's own word for what is wrong, as far as it is one. */
export function codeOf(body: Uint8Array): string {
  const [, code] = /<Code>([A-Za-z.]{1,60})<\/Code>/.exec(Buffer.from(body.subarray(0, 4096)).toString("latin1")) ?? [];
  return code === undefined ? "" : ` (${code})`;
}
