/** Who is logged in, and what they may. The service judges each request by itself: this only hides what it would refuse. */
import { signal } from "@preact/signals";
import type { SessionReply } from "../../../http/wire/console.ts";
import { ask, loggedOut, Problem } from "./api.ts";
import { dropDrafts } from "./drafts.ts";

export const session = signal<SessionReply | null>(null);
/** The service was exchanged for another build since this page was loaded. */
export const isOld = signal(false);

const rights = { read: ["read", "operate", "admin"], operate: ["operate", "admin"], admin: ["admin"] } as const;

export function may(right: keyof typeof rights): boolean {
  return session.value !== null && (rights[right] as readonly string[]).includes(session.value.role);
}

/** What touches every tenant. */
export function mayAll(): boolean {
  return may("admin") && session.value!.of_all_tenants;
}

export async function findSession(): Promise<void> {
  try {
    took(await ask<SessionReply>(["console", "session"]));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

export async function logIn(key: string): Promise<void> {
  took(await ask<SessionReply>(["console", "session"], { method: "POST", body: { key: key.trim() } }));
}

export async function logOut(): Promise<void> {
  await ask(["console", "session"], { method: "DELETE" });
  dropDrafts();
  session.value = null;
  loggedOut.value = true;
}

function took(found: SessionReply): void {
  const { value: before } = session;
  if (before !== null && before.build !== found.build) isOld.value = true;
  if (before !== null && (before.actor !== found.actor || before.tenant !== found.tenant)) dropDrafts();
  session.value = found;
  loggedOut.value = false;
}
