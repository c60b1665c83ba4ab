import { runCli } from "./cli/cli.ts";
import { processTerminal } from "./cli/terminal.ts";
import { leave } from "./delivery/end-marker.ts";

const code = await runCli(process.argv.slice(2), { terminal: processTerminal(), env: process.env });
// Handlers of a config may leave timers and sockets behind: the end is said, not waited for.
process.stdout.write("", () => leave(code));
