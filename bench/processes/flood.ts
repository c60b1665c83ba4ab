/** One tenant's flood, until the process is killed. */
import { type Flood, requestsOf } from "../floods.ts";
import { openAsker } from "../http-client.ts";

const { url, key, floods } = JSON.parse(process.env.FLOOD!) as { readonly url: string; readonly key: string; readonly floods: readonly Flood[] };
const clients = await Promise.all(floods.map(({ kind, connections }) => openAsker(url, requestsOf[kind](), connections, key)));
console.log("flooding");
await Promise.all(clients.map((client) => client.post(Number.MAX_SAFE_INTEGER)));
