/** Why a service cannot be asked, and what to do about it: a server that nobody has started, and one whose certificate nobody trusts, want different things. */

const start = "Start it with `reprise serve`, or name its address with --url or REPRISE_URL.";
const untrusted = "Nobody here vouches for its certificate: name that of its authority, or its own, in NODE_EXTRA_CA_CERTS=<file>.";
const outOfTime = "Its certificate is not valid now: renew it, or set this machine's clock.";

const advice: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: outOfTime,
  CERT_NOT_YET_VALID: outOfTime,
  ERR_TLS_CERT_ALTNAME_INVALID: "Its certificate is for another name: write the host with --url or REPRISE_URL as the certificate has it.",
};

/** Without TLS a server with it cannot be understood, and the other way round. */
const garbled = /^(?:EPROTO|ERR_SSL_|ECONNRESET|UND_ERR_SOCKET|HPE_)/;

export function whyUnreachable(base: string, error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  const { code, message } = cause as { code?: unknown; message?: unknown };
  const reason = typeof code === "string" ? code : String(message);
  const other = base.startsWith("https:") ? "http" : "https";
  const remedy = advice[reason] ?? (garbled.test(reason) ? `${start}\nIf it is a server of ${other}, write ${other}:// in its address.` : start);
  return `Reprise does not answer at ${base}: ${reason}\n${remedy}`;
}
