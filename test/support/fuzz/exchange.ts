/** One connection: bytes out, and the answers that come back until its other end closes it. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Random } from "./random.ts";

export interface RawAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that is not whole is waited for, up to a minute; a test ends it before. */
const patienceMs = 700;

/** @returns the answers, or the bytes at which they stop to be any. */
export async function exchange(port: number, bytes: Buffer, random: Random): Promise<{ readonly answers: readonly RawAnswer[]; readonly rest: string }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const received: Buffer[] = [];
  socket.on("data", (part: Buffer) => void received.push(part));
  const cut = random.some(0.3) ? random.below(bytes.length + 1) : bytes.length;
  const isEnded = random.some(0.85);
  socket.write(bytes.subarray(0, cut));
  setImmediate(() => {
    socket.write(bytes.subarray(cut));
    if (isEnded) socket.end();
  });
  socket.setTimeout(patienceMs, () => void socket.destroy());
  await once(socket, "close");
  return parseAnswers(Buffer.concat(received).toString("latin1"));
}

function parseAnswers(text: string): { readonly answers: readonly RawAnswer[]; readonly rest: string } {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest !== "") {
    const [whole, status, lines] = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[\w-]+: [^\r\n]*\r\n)*)\r\n/.exec(rest) ?? [];
    if (whole === undefined) break;
    const headers = Object.fromEntries(lines!.split("\r\n").map((line) => [line.split(":", 1)[0]!.toLowerCase(), line.slice(line.indexOf(":") + 2)]));
    const length = Number(headers["content-length"] ?? 0);
    const body = rest.slice(whole.length, whole.length + length);
    if (body.length < length) break;
    answers.push({ statusCode: Number(status), headers, body: Buffer.from(body, "latin1").toString() });
    rest = rest.slice(whole.length + length);
  }
  return { answers, rest };
}
