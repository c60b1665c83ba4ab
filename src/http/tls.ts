/** TLS of the service's own: a certificate and its key, read again when their files change, so that a renewal needs no restart. */
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import { type Follow, followFiles, printOf, readFollowedFile } from "../access/followed-file.ts";
import { RepriseError } from "../errors.ts";
import { messageOf } from "../event/thrown.ts";

export interface TlsFiles {
  /** PEM: the certificate and what it was issued by. */
  readonly cert: string;
  /** PEM: its private key. */
  readonly key: string;
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const lookEveryMs = 10_000;
/** Of a certificate with all that it was issued by. */
const maxFileBytes = 1024 * 1024;

/** @throws CONFIG_INVALID naming the file; also for a key that is not the certificate's. */
export function readTls({ cert, key }: TlsFiles): Pair {
  const pair = { cert: read(cert, "REPRISE_TLS_CERT"), key: read(key, "REPRISE_TLS_KEY") };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new RepriseError("CONFIG_INVALID", `The certificate ${cert} and the key ${key} cannot be used together: ${messageOf(error)}.`);
  }
  return pair;
}

/**
 * Takes a renewed pair for new connections. While the files do not fit each other (one was written, the other not yet) the old pair stays.
 *
 * @param print what the files looked like before the server read them.
 * @param onTrouble told once of each pair that cannot be used.
 */
export function followTls(
  server: Pick<Server, "setSecureContext">,
  files: TlsFiles,
  { print, clock, onTrouble }: Pick<Follow, "print" | "clock" | "onTrouble">,
): { close(): void } {
  const read = (): void => server.setSecureContext(readTls(files));
  return followFiles({ paths: pathsOf(files), print, everyMs: lookEveryMs, clock, read, onTrouble });
}

export function printOfTls(files: TlsFiles): string {
  return printOf(pathsOf(files));
}

function pathsOf({ cert, key }: TlsFiles): readonly string[] {
  return [cert, key];
}

function read(path: string, name: string): Buffer {
  try {
    return readFollowedFile(path, maxFileBytes).bytes;
  } catch (error) {
    throw new RepriseError("CONFIG_INVALID", `${name} is ${JSON.stringify(path)}: it cannot be read (${messageOf(error)}).`);
  }
}
