/** The account of the user on the server. */
import { RepriseError } from "../../../errors.ts";
import type { Ask, Login } from "./administration.ts";

/** What was done with the account: made, or given the password, or it had it before. */
export type AccountChange = "created" | "password_changed" | "unchanged";

/**
 * Sees that the user is there and logs in with its password.
 *
 * @throws CONFIG_INVALID when the administrator may not do this, or the account is disabled.
 */
export async function haveAccount(ask: Ask, administrator: Login, user: Login): Promise<AccountChange> {
  const path = `/users/${encodeURIComponent(user.user)}`;
  const found = await ask(administrator, "GET", path);
  if (found.status === 404) {
    const made = await ask(administrator, "POST", "/users/", { loginName: user.user, fullName: "Reprise", groups: [], password: user.password });
    mustBeDone(made.status, "Making the user");
    return "created";
  }
  mustBeDone(found.status, "Looking for the user");
  if (isDisabled(found.text))
    throw new RepriseError("CONFIG_INVALID", `The server's user ${user.user} is disabled: enable it, or have another one with another --user.`);
  if ((await ask(user, "GET", "/users/$current")).status === 200) return "unchanged";
  mustBeDone((await ask(administrator, "POST", `${path}/command/reset-password`, { newPassword: user.password })).status, "Setting the user's password");
  return "password_changed";
}

/** The server knows no such administrator. One that has just begun makes its own a moment later. */
export class AdministratorRefused extends RepriseError {
  constructor(doing: string) {
    super("CONFIG_INVALID", `${doing} failed: the server does not take the password of the administrator in --log, or it is no administrator.`);
  }
}

function mustBeDone(status: number, doing: string): void {
  if (status >= 200 && status < 300) return;
  if (status === 401 || status === 403) throw new AdministratorRefused(doing);
  throw new RepriseError("CONFIG_INVALID", `${doing} failed: the server answers HTTP ${status}.`);
}

function isDisabled(text: string): boolean {
  try {
    return (JSON.parse(text) as { readonly data?: { readonly disabled?: unknown } }).data?.disabled === true;
  } catch {
    return false;
  }
}
