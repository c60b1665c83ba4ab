/** TLS of the service's own: a certificate and its key, read again when their files change, so that a renewal needs no restart. */
import { X509Certificate } from "node:crypto";
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import { followFiles, printOf, readFollowedFile } from "../access/followed-file.ts";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
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
/** Whoever renews a certificate by itself does it earlier. */
const warnBeforeMs = 14 * 86_400_000;
const warnEveryMs = 86_400_000;
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

export interface Certificate {
  /** What the files held when they were read first. */
  readonly pair: Pair;
  /** Takes a renewed pair for new connections. While the files do not fit each other (one was written, the other not yet) the old pair stays. */
  follow(server: Pick<Server, "setSecureContext">): { close(): void };
  /** The fault of the files as they are now, or that the certificate in use ends soon, for /readyz; null: neither. */
  warning(): string | null;
}

/** @throws what `readTls` throws. */
export function openCertificate(files: TlsFiles, { clock, logger }: { readonly clock: Clock; readonly logger: DeliveryLogger }): Certificate {
  const paths = [files.cert, files.key];
  const print = printOf(paths);
  const pair = readTls(files);
  let endsMs = endOf(pair);
  let trouble: () => RepriseError | null = () => null;
  const endsSoon = (): string | null => {
    const leftMs = endsMs - clock.now();
    if (leftMs > warnBeforeMs) return null;
    const says = leftMs > 0 ? "ends" : "is refused by clients: it ended";
    return `The certificate ${files.cert} ${says} at ${new Date(endsMs).toISOString()}. Renew it; no restart is needed.`;
  };
  return {
    pair,
    follow(server) {
      const read = (): void => {
        const renewed = readTls(files);
        server.setSecureContext(renewed);
        endsMs = endOf(renewed);
      };
      const warn = (): void => {
        timer = clock.after(warnEveryMs, warn);
        const warning = endsSoon();
        if (warning !== null) logger.warn({}, warning);
      };
      let timer = clock.after(0, warn);
      const onTrouble = (err: RepriseError): void => logger.error({ err }, "the renewed certificate cannot be used: the one from before stays in use");
      const followed = followFiles({ paths, print, everyMs: lookEveryMs, clock, read, onTrouble });
      trouble = followed.trouble;
      return {
        close() {
          timer.cancel();
          followed.close();
        },
      };
    },
    warning() {
      const fault = trouble();
      const used = fault === null ? null : `${fault.message} The certificate from before stays in use.`;
      return [used, endsSoon()].filter((each) => each !== null).join(" ") || null;
    },
  };
}

/** Of the service's own, which comes first in the file: one that it was issued by may have ended, and clients still take it by another way. */
const endOf = ({ cert }: Pair): number => new X509Certificate(cert).validToDate.getTime();

function read(path: string, name: string): Buffer {
  try {
    return readFollowedFile(path, maxFileBytes).bytes;
  } catch (error) {
    throw new RepriseError("CONFIG_INVALID", `${name} is ${JSON.stringify(path)}: it cannot be read (${messageOf(error)}).`);
  }
}
