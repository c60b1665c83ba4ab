import { crc32 } from "node:zlib";

/** Room for the bytes of one text. Only what texts have filled takes memory. */
const scratch = Buffer.allocUnsafeSlow(192 * 1024);
const maxUnitBytes = 3;
/** Shorter texts are measured as fast without it. */
const longCharacters = 1000;

export interface MeasuredData {
  /** In UTF-8. */
  readonly bytes: number;
  readonly sum: number;
}

/** Measures the data of an event, as JSON. Written once for both, because to count the bytes of 15 KB takes five times as long as to write them. */
export function measureData(data: string): MeasuredData {
  if (data.length < longCharacters || data.length * maxUnitBytes > scratch.length) return { bytes: Buffer.byteLength(data), sum: dataSum(data) };
  const bytes = scratch.write(data);
  return { bytes, sum: crc32(scratch.subarray(0, bytes)) | 0 };
}

/** CRC-32, 0.2 µs for small data. Signed, because SQLite then keeps 32 bits in four bytes. */
export function dataSum(data: string): number {
  return crc32(data) | 0;
}
