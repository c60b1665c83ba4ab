/** Names of the service that are offered where one is typed: read once, since they change with its config only. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { HandlersReply } from "../../../http/wire/service.ts";
import { ask, Problem } from "./api.ts";
import { place } from "./place.ts";

export type Named = "handlers" | "event types";

const reads: Readonly<Record<Named, () => Promise<readonly string[]>>> = {
  handlers: async () => (await ask<HandlersReply>(["handlers"])).handlers.map(({ name }) => name),
  "event types": async () => (await ask<{ readonly schemas: readonly { readonly type: string }[] }>(["schemas"])).schemas.map(({ type }) => type),
};
const known = new Map<string, Promise<readonly string[]>>();

/** Empty until they are here, and where they cannot be read. */
export function useNames(named: Named | undefined): readonly string[] {
  const names = useSignal<readonly string[]>([]);
  const { tenant } = place.value.query;
  useEffect(() => {
    if (named === undefined) return;
    const key = `${named} ${tenant}`;
    if (!known.has(key)) known.set(key, reads[named]());
    known.get(key)!.then(
      (found) => void (names.value = found),
      (error: unknown) => {
        known.delete(key);
        if (!(error instanceof Problem)) throw error;
      },
    );
  }, [named, tenant]);
  return names.value;
}
