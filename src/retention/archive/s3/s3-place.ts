import { hash } from "node:crypto";
import { RepriseError } from "../../../errors.ts";
import { type Clock, systemClock } from "../../../event/clock.ts";
import type { ArchiveCredentials } from "../../retention-rule.ts";
import type { ArchivePlace, Found } from "../archive-place.ts";
import { codeOf, makeS3Client, type Patience, type S3Answer, type S3Client, usualPatience } from "./client.ts";
import { type Env, makeCredentials } from "./credentials.ts";
import { putBody, usualPartBytes } from "./multipart.ts";

export interface S3Options {
  readonly env?: Env | undefined;
  readonly clock?: Clock | undefined;
  readonly credentials?: ArchiveCredentials | undefined;
  /** For tests. */
  readonly patience?: Partial<Patience> | undefined;
  readonly partBytes?: number | undefined;
}

const namesAtOnce = 1000;

/**
 * Archives in a bucket of any S3-compatible service, path style. `If-None-Match` and `If-Match` keep what is there from being written over.
 *
 * @param url `s3://bucket` or `s3://bucket/prefix`.
 * @throws CONFIG_INVALID
 */
export function openS3Place(
  url: string,
  { env = process.env, clock = systemClock, credentials, patience, partBytes = usualPartBytes }: S3Options = {},
): ArchivePlace {
  const [, bucket = "", prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9!_.*'()/-]*?))?\/*$/.exec(url) ?? [];
  if (bucket === "") throw new RepriseError("CONFIG_INVALID", `An archive is ${JSON.stringify(url)}: write s3://<bucket>/<prefix>, without keys or blanks.`);
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || "us-east-1";
  const shown = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
  const source = makeCredentials(env, clock, credentials);
  const base = `${endpointOf(env, region)}/${bucket}`;
  const client = makeS3Client({ base, shown, region, credentials: source, clock, patience: { ...usualPatience, ...patience } });
  const keyOf = (name: string): string => (prefix === "" ? name : `${prefix}/${name}`);

  async function read(name: string, range?: { readonly from: number; readonly to: number }): Promise<Found | null> {
    const headers = range === undefined ? {} : { range: `bytes=${range.from}-${range.to - 1}` };
    const answer = await client.ask({ method: "GET", key: keyOf(name), headers, also: [404, 416] });
    const { status, body } = answer;
    // Without the bucket nothing is missing from it: what there was cannot be seen.
    if (status === 404 && codeOf(body).includes("NoSuchBucket")) throw new RepriseError("ARCHIVE_UNAVAILABLE", `${shown}: there is no such bucket.`);
    if (status === 404) return null;
    if (status === 416) return { body: new Uint8Array(), tag: "" };
    return { body: status === 206 || range === undefined ? body : body.subarray(range.from, range.to), tag: tagOf(answer) };
  }

  return {
    ...{ url: shown, read },
    async create(name, body) {
      const { status } = await putBody(client, partBytes, keyOf(name), body, { "if-none-match": "*" });
      return status === 412 ? "exists" : "written";
    },
    async replace(name, body, seen) {
      const condition = seen === undefined ? {} : seen === null ? { "if-none-match": "*" } : { "if-match": seen };
      const { status } = await putBody(client, partBytes, keyOf(name), body, condition as Record<string, string>);
      if (status !== 412) return;
      // An answer that was lost: the request before this one has done it.
      const there = await read(name);
      if (there === null || !Buffer.from(body).equals(there.body))
        throw new RepriseError("ARCHIVE_UNAVAILABLE", `${shown}: ${name} was changed by another process just now.`);
    },
    async *list(below) {
      let token: string | null = "";
      while (token !== null) {
        const page: ListPage = await listPage(client, keyOf(below), token);
        for (const key of page.keys) yield key.slice(keyOf("").length);
        token = page.next;
      }
    },
    hold: async () => () => {},
    close: async () => {},
  };
}

interface ListPage {
  readonly keys: readonly string[];
  readonly next: string | null;
}

async function listPage(client: S3Client, prefix: string, token: string): Promise<ListPage> {
  const query = { "list-type": "2", prefix, "max-keys": String(namesAtOnce), ...(token === "" ? {} : { "continuation-token": token }) };
  const text = Buffer.from((await client.ask({ method: "GET", key: "", query })).body).toString("utf8");
  const [, next] = /<NextContinuationToken>([^<]+)<\/NextContinuationToken>/.exec(text) ?? [];
  return { keys: Array.from(text.matchAll(/<Key>([^<]*)<\/Key>/g), ([, key]) => plain(key!)), next: next === undefined ? null : plain(next) };
}

/** @throws CONFIG_INVALID */
function endpointOf(env: Env, region: string): string {
  const given = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || `https://s3.${region}.amazonaws.com`;
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "")
    throw new RepriseError("CONFIG_INVALID", "AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) must be an address such as https://s3.example.com, without a user.");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

function tagOf({ headers, body }: S3Answer): string {
  return headers.get("etag") ?? hash("sha256", body, "hex");
}

const entities = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'" } as const;
const plain = (text: string): string => text.replace(/&(?:amp|lt|gt|quot|apos);/g, (entity) => entities[entity as keyof typeof entities]);
