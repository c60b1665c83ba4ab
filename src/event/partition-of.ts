/**
 * Which partition of a handler a stream belongs to: FNV-1a of 32 bits over the UTF-8 of its name, modulo their number. A stored format: journals are named
 * after it, so it never changes.
 */
const offset = 0x811c9dc5;
const prime = 0x01000193;

/** The most partitions that a handler may have. */
export const maxPartitions = 64;

export function streamHash(stream: string): number {
  let hash = offset;
  for (let index = 0; index < stream.length; index++) {
    const unit = stream.charCodeAt(index);
    if (unit > 0x7f) return hashOfBytes(Buffer.from(stream, "utf8"));
    hash = Math.imul(hash ^ unit, prime);
  }
  return hash >>> 0;
}

function hashOfBytes(bytes: Uint8Array): number {
  let hash = offset;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime);
  return hash >>> 0;
}

/** @param partitions of the handler, 1 to 64. @returns 0 to `partitions` − 1. */
export function partitionOf(stream: string, partitions: number): number {
  return partitions === 1 ? 0 : streamHash(stream) % partitions;
}
