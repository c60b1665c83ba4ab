/** The parts of a server's connection string that are not the client's alone: who logs in, and at which hosts. */

export interface ServerUrl {
  /** Decoded; null: the string names nobody. */
  readonly user: string | null;
  readonly password: string | null;
  /** `host` or `host:port`. */
  readonly hosts: readonly string[];
  /** By names in lower case, as the client takes them. */
  readonly options: ReadonlyMap<string, string>;
}

const parts = /^(esdb(?:\+discover)?:\/\/)(?:([^@/?]*)@)?([^@/?]+)\/?(\?.*)?$/;

/** @returns null for what is no connection string. */
export function parseServerUrl(url: string): ServerUrl | null {
  const found = parts.exec(url);
  if (found === null) return null;
  const [, , login, hosts = "", query = ""] = found;
  const [user, password] = login === undefined ? [null, null] : splitLogin(login);
  const options = [...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value] as const);
  return { user, password, hosts: hosts.split(",").filter(Boolean), options: new Map(options) };
}

/** The same server for this user, whatever letters name and password have. */
export function withUser(url: string, { user, password }: { readonly user: string; readonly password: string }): string {
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return url.replace(parts, (_all, scheme: string, _login: string | undefined, hosts: string, query = "") => `${scheme}${login}@${hosts}${query}`);
}

/** Whether the server is spoken to without encryption. Such a server knows no users: it lets everybody do everything. */
export const isPlain = ({ options }: ServerUrl): boolean => options.get("tls")?.toLowerCase() === "false";

function splitLogin(login: string): readonly [string | null, string | null] {
  const colon = login.indexOf(":");
  const user = colon === -1 ? login : login.slice(0, colon);
  return [decoded(user) || null, colon === -1 ? null : decoded(login.slice(colon + 1))];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
