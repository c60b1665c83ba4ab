/** Who asked for a replay, for what tenant, and why. */
export interface Chosen {
  readonly tenant: string;
  readonly actor: string;
  readonly reason: string | null;
  /** Of the act, where it may come again: a replay that it begins has this id. */
  readonly id?: string;
}

/** A replay of dead letters may amend each with what a migration of the config makes of its data. */
export interface ChosenLetters extends Chosen {
  readonly migration?: string;
}
