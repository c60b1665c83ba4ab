/**
 * Keeps the handlers of one process apart while one of them calls a suspect, an event that may have killed the process. A suspect runs alone only if
 * nothing else runs in the process; otherwise an innocent event could be blamed.
 */
export interface GateMember {
  wantsAlone(): boolean;
  /** Something of it runs. */
  busy(): boolean;
  /** The gate may have opened. */
  gateMoved(): void;
}

const atRest = { wants: false, busy: false };

export class AloneGate {
  readonly #members: GateMember[] = [];
  /** What each member's state was when the others were last told. */
  readonly #told = new Map<GateMember, { readonly wants: boolean; readonly busy: boolean }>();

  join(member: GateMember): void {
    this.#members.push(member);
  }

  leave(member: GateMember): void {
    const place = this.#members.indexOf(member);
    if (place === -1) return;
    this.#members.splice(place, 1);
    this.#told.delete(member);
    for (const each of this.#members) queueMicrotask(() => each.gateMoved());
  }

  /** Whether `member` has to wait: another one comes first, or is still busy. */
  holds(member: GateMember): boolean {
    const first = this.#members.find((each) => each.wantsAlone());
    if (first === undefined) return false;
    return first !== member || this.#members.some((each) => each !== member && each.busy());
  }

  /** `member` may have changed. The others look again only if it has, because otherwise two of them would tell each other for ever. */
  moved(member: GateMember): void {
    const wants = member.wantsAlone();
    const busy = member.busy();
    const told = this.#told.get(member) ?? atRest;
    if (told.wants === wants && told.busy === busy) return;
    this.#told.set(member, { wants, busy });
    // While no suspect waits, it makes no difference who is busy.
    if (told.wants === wants && !this.#members.some((each) => each.wantsAlone())) return;
    for (const each of this.#members) if (each !== member) queueMicrotask(() => each.gateMoved());
  }
}
