/** The log that a command was told to work on. The password of its user may stand in a file, as containers hand secrets over. */
import { readFollowedFile } from "../access/followed-file.ts";
import { RepriseError } from "../errors.ts";
import { messageOf } from "../event/thrown.ts";
import { refusedLog } from "../log/log-url.ts";
import { isPlain, parseServerUrl, withUser } from "../log/server-url.ts";
import { usage } from "./exit.ts";

export const standardLog = "sqlite:./data";
const maxPasswordBytes = 1024;

type Env = Readonly<Record<string, string | undefined>>;

/** The log of `--log`, else of REPRISE_LOG, else the embedded one in ./data. @throws a failure for what names no log, and CONFIG_INVALID as `withLogPassword`. */
export const namedLog = (given: string | undefined, env: Env): string =>
  withLogPassword(mustNameLog(given || env.REPRISE_LOG || standardLog, given ? "--log" : "REPRISE_LOG"), env);

/** @param setting that a person wrote the log in. @throws a failure of usage. */
export function mustNameLog(log: string, setting: string): string {
  const why = refusedLog(log, setting);
  if (why !== null) throw usage(`${why}.`);
  return log;
}

/**
 * The same log, with the password from the file that REPRISE_LOG_PASSWORD_FILE names. An address that has a password itself keeps it; an embedded log and a
 * server without encryption have no users.
 *
 * @throws CONFIG_INVALID when the file cannot be read, holds no password, or the address does not say whose it is.
 */
export function withLogPassword(log: string, env: Env, file: string | undefined = undefined): string {
  const path = file || env.REPRISE_LOG_PASSWORD_FILE;
  const server = parseServerUrl(log);
  if (!path || server === null || server.password !== null || isPlain(server)) return log;
  if (server.user === null)
    throw new RepriseError("CONFIG_INVALID", "REPRISE_LOG_PASSWORD_FILE is set, and the log's address names no user: write esdb://<user>@host:2113.");
  return withUser(log, { user: server.user, password: readPasswordFile("REPRISE_LOG_PASSWORD_FILE", path) });
}

/** The first line of a file. @param name of the setting, for messages. @throws CONFIG_INVALID */
export function readPasswordFile(name: string, path: string): string {
  const refuse = (why: string) => new RepriseError("CONFIG_INVALID", `${name} is ${JSON.stringify(path)}: ${why}.`);
  let text: string;
  try {
    text = readFollowedFile(path, maxPasswordBytes).bytes.toString("utf8");
  } catch (error) {
    throw refuse(`the file cannot be read (${messageOf(error)})`);
  }
  const [password = "", ...more] = text.replace(/\r?\n$/, "").split(/\r?\n/);
  if (password === "" || more.length > 0) throw refuse("the file must hold the password and nothing else, on one line");
  return password;
}
