/**
 * A receiver of webhooks that does nothing but read each body and answer 204, or 500 while it is down. `POST /state/up` and `/state/down` set that and begin to
 * count anew, and `GET /after/N` is answered when N posts were answered with 204.
 */
import { createServer, type ServerResponse } from "node:http";

let down = false;
let count = 0;
let wanted = Number.POSITIVE_INFINITY;
let waiting: ServerResponse | null = null;

const tell = () => {
  if (waiting === null || count < wanted) return;
  waiting.end(String(count));
  waiting = null;
};

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    const [, first, second] = request.url!.split("/");
    if (first === "state") {
      down = second === "down";
      count = 0;
      response.end();
    } else if (first === "after") {
      wanted = Number(second);
      waiting = response;
      tell();
    } else {
      response.writeHead(down ? 500 : 204).end();
      if (down) return;
      count++;
      tell();
    }
  });
});
server.keepAliveTimeout = 0; // the connections of both sides stay for the whole run
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  console.log(JSON.stringify({ msg: "listening", url: `http://127.0.0.1:${port}` }));
});
