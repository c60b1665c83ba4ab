/** A segment may have megabytes: what is done with all of them goes piece by piece, so that nobody beside it waits for the whole. */
import { createHash } from "node:crypto";
import { besideMs, makeTurns } from "../../event/turns.ts";

/** A tenth of a millisecond. */
const pieceBytes = 128 * 1024;

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<readonly [piece: Uint8Array, at: number], void> {
  const turns = makeTurns(besideMs);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    yield [bytes.subarray(at, at + pieceBytes), at];
    if (turns.due()) await turns.next();
  }
}

/** Hexadecimal. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const sum = createHash("sha256");
  for await (const [piece] of piecesOf(bytes)) sum.update(piece);
  return sum.digest("hex");
}

export async function areEqual(one: Uint8Array, other: Uint8Array): Promise<boolean> {
  if (one.length !== other.length) return false;
  for await (const [piece, at] of piecesOf(one)) if (Buffer.compare(piece, other.subarray(at, at + piece.length)) !== 0) return false;
  return true;
}

/** @param parts small ones. */
export async function joined(parts: readonly Uint8Array[]): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(parts.reduce((bytes, part) => bytes + part.length, 0));
  const turns = makeTurns(besideMs);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
    if (turns.due()) await turns.next();
  }
  return whole;
}
