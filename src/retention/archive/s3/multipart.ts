/** Large bodies go in parts, so that a slow or broken connection costs a part and not the whole. */
import { RepriseError } from "../../../errors.ts";
import { codeOf, type S3Answer, type S3Client } from "./client.ts";

/** A service takes parts from 5 MiB. */
export const usualPartBytes = 8 * 1024 * 1024;

/** Puts a body, in parts where it is large. @param headers its conditions. @returns the answer of the last request. */
export async function putBody(
  client: S3Client,
  partBytes: number,
  key: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<S3Answer> {
  if (body.length <= partBytes) return client.ask({ method: "PUT", key, body, headers, also: [412] });
  const begun = await client.ask({ method: "POST", key, query: { uploads: "" } });
  const [, uploadId] = /<UploadId>([^<]{1,1024})<\/UploadId>/.exec(textOf(begun)) ?? [];
  if (uploadId === undefined) throw new RepriseError("ARCHIVE_UNAVAILABLE", `The S3 service began no upload of ${key} in parts.`);
  try {
    const parts: string[] = [];
    for (let from = 0; from < body.length; from += partBytes) {
      const partNumber = parts.length + 1;
      const stored = await client.ask({ method: "PUT", key, query: { partNumber: String(partNumber), uploadId }, body: body.subarray(from, from + partBytes) });
      const etag = (stored.headers.get("etag") ?? "").replaceAll('"', "&quot;");
      parts.push(`<Part><PartNumber>${partNumber}</PartNumber><ETag>${etag}</ETag></Part>`);
    }
    const list = Buffer.from(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`);
    const ended = await client.ask({ method: "POST", key, query: { uploadId }, body: list, headers, also: [404, 412] });
    // A 200 is sent before the parts are put together, and an error may follow in its body. A 404 after a repetition: the first request did it.
    if (ended.status === 200 && textOf(ended).includes("<Error>"))
      throw new RepriseError("ARCHIVE_UNAVAILABLE", `The S3 service could not put ${key} together${codeOf(ended.body)}.`);
    if (ended.status === 404 && !ended.repeated) throw new RepriseError("ARCHIVE_UNAVAILABLE", `The S3 service has lost the upload of ${key}.`);
    if (ended.status === 412) await abort(client, key, uploadId);
    return ended;
  } catch (error) {
    await abort(client, key, uploadId);
    throw error;
  }
}

/** Parts that nobody puts together cost money. A service that cannot be reached keeps them, until a rule of the bucket removes them. */
async function abort(client: S3Client, key: string, uploadId: string): Promise<void> {
  await client.ask({ method: "DELETE", key, query: { uploadId }, also: [404] }).catch(() => {});
}

const textOf = ({ body }: S3Answer): string => Buffer.from(body).toString("utf8");
