/** What may wait at once. */
interface Room {
  readonly count: number;
  readonly bytes: number;
}

/** Who has to wait: the tenant has too much there itself, or all of them together have. */
export type Full = "tenant" | "service";

/** A tenant with less than this part of the room finds some although it is full, up to twice as much in all. */
const keptPart = 1 / 16;

/** Room that tenants share. One of them may take all that is free, and yet the next one finds some. */
export class SharedRoom {
  readonly #room: Room;
  #count = 0;
  #bytes = 0;
  readonly #tenants = new Map<string, { count: number; bytes: number }>();

  constructor(room: Room) {
    this.#room = room;
  }

  /** @returns null when it is taken; else whose limit is met, and nothing is taken. */
  take(tenant: string, bytes: number): Full | null {
    let own = this.#tenants.get(tenant);
    if (this.#isOver(bytes, 1)) {
      const { count, bytes: roomBytes } = this.#room;
      const hasLittle = (own?.count ?? 0) < count * keptPart && (own?.bytes ?? 0) + bytes <= roomBytes * keptPart;
      if (!hasLittle) return own === undefined ? "service" : "tenant";
      if (this.#isOver(bytes, 2)) return "service";
    }
    if (own === undefined) this.#tenants.set(tenant, (own = { count: 0, bytes: 0 }));
    own.count++;
    own.bytes += bytes;
    this.#count++;
    this.#bytes += bytes;
    return null;
  }

  #isOver(bytes: number, part: number): boolean {
    return this.#count >= this.#room.count * part || this.#bytes + bytes > this.#room.bytes * part;
  }

  give(tenant: string, bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    const own = this.#tenants.get(tenant)!;
    own.count--;
    own.bytes -= bytes;
    if (own.count === 0) this.#tenants.delete(tenant);
  }
}
