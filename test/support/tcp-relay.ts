/** A wire that can be cut: what comes to its port goes on to another one, until it does not. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Relay {
  readonly port: number;
  /** From now on nothing passes, and nobody is told: neither what is connected nor who connects. */
  cut(): void;
  /** New connections pass again; those of before stay silent for ever, as behind a firewall that has forgotten them. */
  heal(): void;
  close(): void;
}

/** @param host the address where it listens. */
export async function startRelay(target: number, host = "127.0.0.1"): Promise<Relay> {
  let passes = true;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (!passes) return;
    const far = connect(target, "127.0.0.1");
    keep(far);
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  }).listen(0, host);
  await once(server, "listening");
  return {
    port: (server.address() as { readonly port: number }).port,
    cut() {
      passes = false;
      for (const socket of sockets) {
        socket.unpipe();
        socket.removeAllListeners("data");
        socket.pause();
      }
    },
    heal() {
      passes = true;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
