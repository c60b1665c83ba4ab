import { everyTenant } from "../../event/names.ts";
import type { StoredVersion, StoredVersions } from "../model/stored-versions.ts";
import type { Sources } from "./context.ts";

export function makeStoredVersions({ db }: Pick<Sources, "db">): StoredVersions {
  return {
    storedVersions: (tenant) =>
      tenant === everyTenant
        ? db().all<StoredVersion>("select type, version, sum(events) as events from tenant_versions group by type, version order by type, version")
        : db().all<StoredVersion>("select type, version, events from tenant_versions where tenant = ? order by type, version", tenant),
  };
}
