/** Makes a database with a table, listens on a free port, and says so. */
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";

const db = new DatabaseSync(process.argv[2]!);
db.exec("pragma journal_mode = wal; create table events(position integer primary key, data text not null) strict");
const server = createServer((_request, response) => response.end()).listen(0, "127.0.0.1", () => console.log(`listening: ${JSON.stringify(server.address())}`));
