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
    const own = this.#tenants.get(tenant) ?? { count: 0, bytes: 0 };
    const { count, bytes: roomBytes } = this.#room;
    const isOver = (part: number) => this.#count >= count * part || this.#bytes + bytes > roomBytes * part;
    if (isOver(1)) {
      const hasLittle = own.count < count * keptPart && own.bytes + bytes <= roomBytes * keptPart;
      if (!hasLittle) return own.count > 0 ? "tenant" : "service";
      if (isOver(2)) return "service";
    }
    this.#count++;
    this.#bytes += bytes;
    this.#tenants.set(tenant, { count: own.count + 1, bytes: own.bytes + bytes });
    return null;
  }

  give(tenant: string, bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    const own = this.#tenants.get(tenant)!;
    if (own.count === 1) this.#tenants.delete(tenant);
    else this.#tenants.set(tenant, { count: own.count - 1, bytes: own.bytes - bytes });
  }
}
