/** The server's list of users, over HTTP: the client has no calls for it. */
import { readFileSync } from "node:fs";
import { type RequestOptions, request } from "node:https";
import { RepriseError } from "../../../errors.ts";
import { messageOf } from "../../../event/thrown.ts";
import type { ServerUrl } from "../../server-url.ts";
import { NoAnswerError } from "../server-error.ts";

export interface Login {
  readonly user: string;
  readonly password: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Asks one node after the other, until one gives an answer that is not "later". @throws NoAnswerError when none does. */
export type Ask = (as: Login, method: "GET" | "POST", path: string, body?: object) => Promise<Answer>;

const patienceMs = 5000;
const standardPort = "2113";
const maxAnswerBytes = 64 * 1024;

/** @throws CONFIG_INVALID when a file that the address names cannot be read. */
export function openAdministration({ hosts, options }: ServerUrl): Ask {
  const tls = tlsOf(options);
  return async (as, method, path, body) => {
    let last: unknown;
    for (const host of hosts) {
      try {
        const answer = await askOne(host, { ...tls, method, path, auth: `${as.user}:${as.password}` }, body);
        if (answer.status < 500) return answer;
        last = new Error(`HTTP ${answer.status}`);
      } catch (error) {
        last = error;
      }
    }
    throw new NoAnswerError(`No node lists its users: ${messageOf(last)}.`);
  };
}

function tlsOf(options: ServerUrl["options"]): RequestOptions {
  const file = (name: string): { value?: Buffer } => {
    const path = options.get(name.toLowerCase());
    if (path === undefined) return {};
    try {
      return { value: readFileSync(path) };
    } catch (error) {
      throw new RepriseError("CONFIG_INVALID", `${name} of the log's address cannot be read: ${messageOf(error)}.`, { cause: error });
    }
  };
  const [ca, cert, key] = [file("tlsCAFile").value, file("userCertFile").value, file("userKeyFile").value];
  return {
    ...(ca && { ca }),
    ...(cert && key && { cert, key }),
    ...(options.get("tlsverifycert")?.toLowerCase() === "false" && { rejectUnauthorized: false }),
  };
}

function askOne(host: string, options: RequestOptions, body: object | undefined): Promise<Answer> {
  const { hostname, port } = new URL(`https://${host}`);
  const text = body === undefined ? "" : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request({
      ...options,
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: port || standardPort,
      headers: { accept: "application/json", ...(text === "" ? {} : { "content-type": "application/json" }), "content-length": Buffer.byteLength(text) },
      signal: AbortSignal.timeout(patienceMs),
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        answer += part;
        if (answer.length > maxAnswerBytes) sent.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: answer }));
    });
    sent.end(text);
  });
}
