import { makeChat } from "./announce.ts";
import { githubTriage } from "./config.ts";

export default githubTriage({ board: new Map(), chat: makeChat() });
