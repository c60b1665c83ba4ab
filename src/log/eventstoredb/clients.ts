import type { Connected } from "./connect.ts";

/** The client in use, and those that were given up. */
export interface Clients {
  readonly current: Connected;
  /** Counts the clients that were in use. */
  readonly number: number;
  /** Makes another client, which is not in use yet. */
  make(): Connected;
  /** Puts the client in the place of the one in use. Calls that wait for the old client are told, and ask the new one. */
  use(candidate: Connected): void;
  giveUp(connected: Connected): void;
  /** @param afterwards is waited for before the end: clients may be given up meanwhile. */
  dispose(afterwards: () => Promise<void> | null): Promise<void>;
}

/** @param connect told how many clients were made before. */
export function makeClients(connect: (number: number) => Connected): Clients {
  let made = 0;
  let current = connect(made);
  let number = 0;
  const retired = new Set<Promise<void>>();
  const giveUp = (connected: Connected) => {
    const ended = connected.dispose().catch(() => {});
    retired.add(ended);
    void ended.then(() => retired.delete(ended));
  };
  return {
    get current() {
      return current;
    },
    get number() {
      return number;
    },
    make: () => connect(++made),
    use(candidate) {
      const old = current;
      current = candidate;
      number++;
      giveUp(old);
    },
    giveUp,
    async dispose(afterwards) {
      await Promise.all([current.dispose(), ...retired]);
      await afterwards();
      await Promise.all([...retired]);
    },
  };
}
