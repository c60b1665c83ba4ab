import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Client {
  /** Posts so many bodies, in turn. @throws for any answer but 2xx. */
  post(count: number): Promise<void>;
  close(): void;
}

/**
 * Connections that each have one request under way, its bytes made beforehand. Not autocannon, which looks at more of an answer than is needed here: beside
 * other work on two cores it got 6,600 answers a second from the bare Fastify of bench/http.ts at 43 µs of its own time each, this 8,200 at 31 µs.
 */
export function openClient(url: string, path: string, bodies: readonly string[], connections: number, key?: string): Promise<Client> {
  return openAsker(
    url,
    bodies.map((body) => ({ path, body })),
    connections,
    key,
  );
}

export interface Asked {
  readonly path: string;
  /** Without one it is a GET. */
  readonly body?: string;
}

/** The same for any requests, with a key if there is one. */
export async function openAsker(url: string, asked: readonly Asked[], connections: number, key?: string): Promise<Client> {
  const { hostname, port, host } = new URL(url);
  const authorization = key === undefined ? "" : `authorization: Bearer ${key}\r\n`;
  const requests = asked.map(({ path, body }) => {
    const content = body === undefined ? "" : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    return Buffer.from(`${body === undefined ? "GET" : "POST"} ${path} HTTP/1.1\r\nhost: ${host}\r\n${authorization}${content}\r\n${body ?? ""}`);
  });
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, "connect");
      return socket;
    }),
  );
  let next = 0;
  return {
    async post(count) {
      const end = next + count;
      await Promise.all(sockets.map((socket) => converse(socket, () => (next < end ? requests[next++ % requests.length] : undefined))));
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Sends the next request after each answer, until there is none. */
function converse(socket: Socket, nextRequest: () => Buffer | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let pending = "";
    const send = () => {
      const request = nextRequest();
      if (request !== undefined) return socket.write(request);
      socket.removeAllListeners();
      socket.on("error", () => {});
      resolve();
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("The service closed a connection.")));
    socket.on("data", (chunk) => {
      pending += chunk.toString("latin1");
      const headEnd = pending.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const bodyBytes = Number(/\r\ncontent-length: (\d+)/i.exec(pending)?.[1] ?? 0);
      if (pending.length < headEnd + 4 + bodyBytes) return;
      if (!pending.startsWith("HTTP/1.1 2")) return reject(new Error(`The service answered ${pending.slice(9, 12)}.`));
      pending = "";
      send();
    });
    send();
  });
}
