export interface KnownNames {
  /** The first of these names that nothing has, and what there is instead; null when all are known. It answers for the rows as they are now, without waiting. */
  unknownName(names: {
    /** Whose stored types are known; without it, and for `*`, everybody's. */
    readonly tenant?: string | undefined;
    readonly handler?: string | undefined;
    readonly eventType?: string | undefined;
  }): { readonly what: "handler" | "event_type"; readonly name: string; readonly known: string } | null;
}
