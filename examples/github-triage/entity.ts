import type { Entity, Json } from "reprise";

/**
 * What a payload is about: the issue or pull request when it has one, else the repository, else the first of
 * organization, installation, advisory and account that it names.
 *
 * Names are what ties a repository's recordings together: the servers of successive releases gave it other numbers. GitHub
 * ignores their case, so they are lower-cased. Issues and pull requests share one count of numbers, and events about a pull
 * request partly come as events of its issue (`issue.pull_request`): they belong in the pull request's line.
 */
export function entityOf(payload: { readonly [key: string]: Json }): Entity {
  const repository = text(member(payload, "repository", "full_name"));
  if (repository !== undefined) {
    const pullRequest = text(member(payload, "pull_request", "number"));
    if (pullRequest !== undefined) return entity("pull_request", `${repository}#${pullRequest}`);
    const issue = text(member(payload, "issue", "number"));
    if (issue === undefined) return entity("repository", repository);
    return entity(isObject(member(payload, "issue", "pull_request")) ? "pull_request" : "issue", `${repository}#${issue}`);
  }
  for (const [type, ...path] of fallbacks) {
    const id = text(member(payload, ...path));
    if (id !== undefined) return entity(type, id);
  }
  return entity("github", "unknown");
}

const fallbacks: readonly (readonly [type: string, ...path: string[]])[] = [
  ["organization", "organization", "login"],
  ["installation", "installation", "id"],
  ["advisory", "security_advisory", "ghsa_id"],
  ["account", "user", "login"],
  ["account", "sender", "login"],
];

/** Entity ids begin with a letter, digit or `_`, and hold `A-Za-z0-9._:@~/#+=-` but no `..`: any other sign becomes its code, so that two names never meet. */
export function entity(type: string, name: string): Entity {
  const signs = [...name.toLowerCase()].map((sign, at, all) => {
    const allowed = at === 0 ? /[a-z0-9]/ : /[\w.:@/#+=-]/;
    if (allowed.test(sign) && !(sign === "." && all[at - 1] === ".")) return sign;
    return `${at === 0 ? "_" : ""}~${sign.codePointAt(0)?.toString(16)}~`;
  });
  return { type, id: signs.join("") };
}

function member(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((at, name) => (isObject(at) ? at[name] : undefined), value);
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
