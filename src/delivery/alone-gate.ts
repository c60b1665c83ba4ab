/**
 * Keeps the handlers of one process apart while one of them tries out what may have killed it: a suspect runs alone only if nothing else of the
 * process runs, or an innocent one would be blamed.
 */
export interface GateMember {
  wantsAlone(): boolean;
  /** Something of it runs. */
  busy(): boolean;
  /** The gate may have opened. */
  gateMoved(): void;
}

export class AloneGate {
  readonly #members: GateMember[] = [];

  join(member: GateMember): void {
    this.#members.push(member);
  }

  /** Some suspect waits or runs. */
  closed(): boolean {
    return this.#members.some((member) => member.wantsAlone());
  }

  /** Whether `member` has to wait: another one comes first, or is still busy. */
  holds(member: GateMember): boolean {
    const first = this.#members.find((each) => each.wantsAlone());
    if (first === undefined) return false;
    return first !== member || this.#members.some((each) => each !== member && each.busy());
  }

  /** `member` has changed: the others look again. */
  moved(member: GateMember): void {
    for (const each of this.#members) if (each !== member) queueMicrotask(() => each.gateMoved());
  }
}
