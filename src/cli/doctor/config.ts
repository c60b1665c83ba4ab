/** The config, the lock of its catalog, and the file of keys. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { isInForce } from "../../access/edit-key-file.ts";
import { readKeyFile } from "../../access/key-file.ts";
import { isRepriseError } from "../../errors.ts";
import { messageOf } from "../../event/thrown.ts";
import { countText } from "../print.ts";
import { lockFile } from "../schema-files.ts";
import { type Checked, failed, notChecked, ok, warning } from "./finding.ts";

const soonMs = 14 * 86_400_000;

export async function checkConfigFile(path: string): Promise<readonly Checked[]> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    return [failed("config", `There is no config file ${resolve(path)}.`, "Name it with --config."), notChecked("catalog", "There is no config.")];
  const [{ loadConfig }, { checkConfig }, { heldToLock }] = await Promise.all([
    import("../../config/load-config.ts"),
    import("../../config/config.ts"),
    import("../../config/held-to-lock.ts"),
  ]);
  try {
    const config = await loadConfig(path);
    const { handlers } = checkConfig(config);
    const counts = `${countText(config.events.length, "event type")}, ${countText(handlers.length, "handler")}`;
    return [ok("config", `${path}: ${counts}.`), checkLock(() => heldToLock(config, {}), path)];
  } catch (error) {
    const fix = isRepriseError(error) ? error.remedy : "Correct the file.";
    return [failed("config", messageOf(error), fix), notChecked("catalog", "The config cannot be used.")];
  }
}

function checkLock(hold: () => readonly string[], config: string): Checked {
  if (statSync(lockFile({ config }), { throwIfNoEntry: false }) === undefined)
    return warning(
      "catalog",
      "The schemas are not locked.",
      "Run `reprise schema lock` and commit schemas/lock.json: then no published version changes unseen.",
    );
  try {
    hold();
    return ok("catalog", "The schemas are those that the lock records.");
  } catch (error) {
    return failed(
      "catalog",
      "The schemas are not those that the lock records.",
      `Run \`reprise schema check\`: it names each difference. ${isRepriseError(error) ? "" : messageOf(error)}`.trim(),
    );
  }
}

export function checkKeys(path: string | undefined, nowMs: number): Checked {
  if (!path)
    return notChecked(
      "keys",
      "No key file is named (REPRISE_API_KEYS): a service that is started so listens on this machine only, and every local user is an operator.",
    );
  try {
    const keys = readKeyFile(path).filter((key) => isInForce(key, nowMs));
    if (keys.length === 0)
      return warning("keys", `${path} holds no key in force.`, "Make one: reprise keys create --name <name> --tenant <tenant> --role <role>.");
    const soon = keys.filter(({ expires_at: at }) => at !== null && Date.parse(at) < nowMs + soonMs);
    if (soon.length > 0)
      return warning(
        "keys",
        `${soon.length} of ${keys.length} keys expire within 14 days: ${soon
          .slice(0, 5)
          .map(({ name }) => name)
          .join(", ")}.`,
        "Make new ones and hand them out before.",
      );
    return ok("keys", `${path}: ${keys.length} in force.`);
  } catch (error) {
    return failed("keys", messageOf(error), "A service with this file does not start.");
  }
}
