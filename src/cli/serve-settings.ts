import { isIP } from "node:net";
import { RepriseError } from "../errors.ts";
import { isBuild } from "../event/build.ts";
import { isLoopback } from "../http/loopback.ts";
import { shownLog } from "../log/shown-log.ts";
import { standardLog, withLogPassword } from "./named-log.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export const standardConfig = "./reprise.config.ts";

export interface ServeSettings {
  readonly config: string;
  /** `sqlite:<folder>`, `esdb://…` or `esdb+discover://…`. */
  readonly log: string;
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly logLevel: (typeof logLevels)[number];
  /** The file of API keys; null: none, and only this machine is served. */
  readonly apiKeys: string | null;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Addresses of proxies that are believed. */
  readonly trustProxy: readonly string[];
  /** Which build of the project this is; null: what the config says. */
  readonly build: string | null;
  /** Name of this process; null: host name and pid. */
  readonly instance: string | null;
  /** Whether it shares the work with others. */
  readonly instances: "one" | "many";
}

/** What `serve` was told: each by its flag, else by its environment variable, else the default. An empty value counts as none. */
export interface ServeFlags {
  readonly config?: string;
  readonly log?: string;
  readonly logPasswordFile?: string;
  readonly data?: string;
  readonly host?: string;
  readonly port?: string;
  readonly logLevel?: string;
  readonly apiKeys?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly trustProxy?: string;
  readonly build?: string;
  readonly instance?: string;
  readonly instances?: string;
  readonly lock?: string;
}

/** @throws CONFIG_INVALID naming the field, its value and the fix. */
export function readServeSettings(flags: ServeFlags, env: Readonly<Record<string, string | undefined>>): ServeSettings {
  const setting = (flag: keyof ServeFlags, variable: string, standard: string) => {
    const given = flags[flag];
    return given
      ? { name: `--${flag.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase())}`, value: given }
      : { name: variable, value: env[variable] || standard };
  };
  const keys = setting("apiKeys", "REPRISE_API_KEYS", "");
  const log = setting("log", "REPRISE_LOG", standardLog);
  if (!/^(sqlite:|esdb(\+discover)?:\/\/)./.test(log.value))
    throw refuse({ ...log, value: shownLog(log.value) }, "it must be sqlite:<folder>, esdb://host:2113 or esdb+discover://host:2113");

  const host = setting("host", "REPRISE_HOST", "127.0.0.1");
  if (!isLoopback(host.value) && keys.value === "")
    throw refuse(host, "without API keys Reprise listens on this machine only: use 127.0.0.1, ::1 or localhost, or name a key file with --api-keys");

  const port = setting("port", "REPRISE_PORT", "4680");
  if (!/^\d{1,5}$/.test(port.value) || Number(port.value) > 65_535) throw refuse(port, "it must be a whole number from 0 to 65535; 0 picks a free port");

  const level = setting("logLevel", "REPRISE_LOG_LEVEL", "info");
  const logLevel = logLevels.find((known) => known === level.value);
  if (logLevel === undefined) throw refuse(level, `it must be one of ${logLevels.join(", ")}`);

  return {
    config: flags.config || standardConfig,
    log: withLogPassword(log.value, env, flags.logPasswordFile),
    data: setting("data", "REPRISE_DATA", "./data").value,
    host: host.value.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port.value),
    logLevel,
    apiKeys: keys.value || null,
    tls: tlsOf(setting("tlsCert", "REPRISE_TLS_CERT", ""), setting("tlsKey", "REPRISE_TLS_KEY", "")),
    trustProxy: proxiesOf(setting("trustProxy", "REPRISE_TRUST_PROXY", "")),
    build: buildOf(setting("build", "REPRISE_BUILD", "")),
    instance: instanceOf(setting("instance", "REPRISE_INSTANCE", "")),
    instances: instancesOf(setting("instances", "REPRISE_INSTANCES", "one"), log.value),
  };
}

function buildOf(given: Setting): string | null {
  if (given.value === "") return null;
  if (!isBuild(given.value)) throw refuse(given, "it must be a text of 1 to 64 characters without blanks");
  return given.value;
}

function instanceOf(given: Setting): string | null {
  if (given.value === "") return null;
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(given.value)) throw refuse(given, "it must be 1 to 64 letters, digits, dots, underscores or hyphens");
  return given.value;
}

function instancesOf(given: Setting, log: string): "one" | "many" {
  if (given.value !== "one" && given.value !== "many") throw refuse(given, "it must be one or many");
  if (given.value === "many" && log.startsWith("sqlite:"))
    throw refuse(given, "an embedded log belongs to one process; many instances share a log on a server, as in REPRISE_LOG=esdb://host:2113");
  return given.value;
}

interface Setting {
  readonly name: string;
  readonly value: string;
}

function tlsOf(cert: Setting, key: Setting): ServeSettings["tls"] {
  if (cert.value === "" && key.value === "") return null;
  const missing = cert.value === "" ? cert : key;
  if (missing.value === "") throw refuse(missing, "a certificate and its key belong together: name both files, or none");
  return { cert: cert.value, key: key.value };
}

/** `loopback`, addresses and networks (`10.0.0.0/8`), between commas. */
function proxiesOf(given: Setting): readonly string[] {
  const proxies = given.value
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "");
  const wrong = proxies.find((proxy) => proxy !== "loopback" && !isNetwork(proxy));
  if (wrong !== undefined) throw refuse(given, "name the proxies' addresses or networks between commas, as in 10.0.0.7,192.168.0.0/16, or loopback");
  return proxies;
}

function isNetwork(text: string): boolean {
  const [address = "", bits, more] = text.split("/");
  const family = isIP(address);
  return family !== 0 && more === undefined && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)));
}

function refuse({ name, value }: Setting, fix: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", `${name} is ${JSON.stringify(value)}: ${fix}.`);
}
