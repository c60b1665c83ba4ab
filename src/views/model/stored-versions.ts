/** How many events of a stored type and schema version the log has, without those that were archived. */
export interface StoredVersion {
  /** As it is stored, which may be a name that the type had before. */
  readonly type: string;
  readonly version: number;
  readonly events: number;
}

export interface StoredVersions {
  /** By type and version. It answers for the rows as they are now, without waiting. @param tenant `*`: of all tenants together. */
  storedVersions(tenant: string): readonly StoredVersion[];
}
