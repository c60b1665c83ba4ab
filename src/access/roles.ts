/** The roles of callers, and the acts that each role may do. */

export const roles = ["append", "read", "operate", "admin"] as const;
export type Role = (typeof roles)[number];

/**
 * The right that a route needs: `append` events; `look` at events, entities and schemas; `read` all else; `operate`: act on dead letters, replays and lanes;
 * `admin`: everything else. `public` asks for no key.
 */
export type Access = "public" | "append" | "look" | "read" | "operate" | "admin";

const allowed: Readonly<Record<Exclude<Access, "public">, ReadonlySet<Role>>> = {
  append: new Set(["append", "admin"]),
  look: new Set(roles),
  read: new Set(["read", "operate", "admin"]),
  operate: new Set(["operate", "admin"]),
  admin: new Set(["admin"]),
};

export function mayDo(role: Role, access: Access): boolean {
  return access === "public" || allowed[access].has(role);
}

/** The smallest role that has the right. A refusal names it. */
export function requiredRole(access: Exclude<Access, "public">): Role {
  return access === "look" ? "read" : access;
}
