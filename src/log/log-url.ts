/** Which log a URL names: `sqlite:<folder>` an embedded one, `esdb://…` and `esdb+discover://…` one on a server. */
import { RepriseError } from "../errors.ts";
import { shownLog } from "./shown-log.ts";

/** The folder of an embedded log; undefined for any other. */
export const folderOf = (url: string): string | undefined => /^sqlite:(.+)$/.exec(url)?.[1];

export const isServer = (url: string): boolean => /^esdb(\+discover)?:\/\/./.test(url);

/** Why a URL names no log; null: it names one. @param setting that has it. */
export function refusedLog(url: string, setting: string): string | null {
  return folderOf(url) !== undefined || isServer(url)
    ? null
    : `${setting} is "${shownLog(url)}": it must be sqlite:<folder>, esdb://host:2113 or esdb+discover://host:2113`;
}

/** CONFIG_INVALID for a URL that names no log. */
export function unknownLog(url: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", `${refusedLog(url, "log")}.`);
}
