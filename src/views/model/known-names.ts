export interface KnownNames {
  /** The first of these names that nothing has, and what there is instead; null when all are known. It answers for the rows as they are now, without waiting. */
  unknownName(names: {
    readonly handler?: string | undefined;
    readonly eventType?: string | undefined;
  }): { readonly what: "handler" | "event_type"; readonly name: string; readonly known: string } | null;
}
