/**
 * The text of an API key: `rpr_`, 8 characters of id, 32 of secret, 6 of checksum, all in base62 (0-9A-Za-z). The checksum is the CRC32 of what stands before
 * it, `rpr_` included, so that a mistyped key is found without a look-up, and a scanner of leaked secrets finds few false ones.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

const prefix = "rpr_";
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const idLength = 8;
const secretLength = 32;
const checksumLength = 6;
const keyPattern = new RegExp(`^${prefix}[0-9A-Za-z]{${idLength + secretLength + checksumLength}}$`);

export const keyIdPattern = new RegExp(`^[0-9A-Za-z]{${idLength}}$`);

/** Makes so many random bytes. Passed in, so that tests know the key. */
export type RandomBytes = (count: number) => Uint8Array;

export interface IdAndSecret {
  readonly id: string;
  readonly secret: string;
}

/** A new id and a new secret: 48 and 190 random bits. */
export function newKeyId(random: RandomBytes): string {
  return randomDigits(idLength, random);
}

export function newSecret(random: RandomBytes): string {
  return randomDigits(secretLength, random);
}

export function keyText({ id, secret }: IdAndSecret): string {
  const body = prefix + id + secret;
  return body + checksumOf(body);
}

/** @returns null for a text that is no key: it has another length or alphabet, or is mistyped. */
export function readKeyText(text: string): IdAndSecret | null {
  if (!keyPattern.test(text)) return null;
  const body = text.slice(0, -checksumLength);
  if (checksumOf(body) !== text.slice(-checksumLength)) return null;
  return { id: body.slice(prefix.length, prefix.length + idLength), secret: body.slice(prefix.length + idLength) };
}

/**
 * The hash of a secret, which the key file keeps. The secret is random, so a slow hash would protect nothing more. In one call: an object for each hash costs
 * four times as much, and each request has one.
 */
export function hashOf(secret: string): string {
  return hash("sha256", secret, "hex");
}

function checksumOf(body: string): string {
  let rest = crc32(body);
  let text = "";
  for (let place = 0; place < checksumLength; place++) {
    text = digits[rest % digits.length]! + text;
    rest = Math.floor(rest / digits.length);
  }
  return text;
}

/** Bytes from 248 on are thrown away: with them some digits would come more often than others. */
function randomDigits(count: number, random: RandomBytes): string {
  const fair = 256 - (256 % digits.length);
  let text = "";
  while (text.length < count) for (const byte of random(count)) if (byte < fair && text.length < count) text += digits[byte % digits.length];
  return text;
}

/** Also of a key that lost an end, or had its underscore encoded for an address. */
const keyInText = new RegExp(`rpr(?:_|%5f)[0-9A-Za-z]{${idLength + secretLength / 2},}`, "gi");

/** A text without the keys in it, for what repeats a request: a key may have been sent in a place where none belongs. */
export function withoutKeys(text: string): string {
  return text.replace(keyInText, `${prefix}…`);
}
