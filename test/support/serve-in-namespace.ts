/** `reprise serve` with its log in a namespace of its own, on a server that others use: `serve-in-namespace.ts <namespace> serve …`. */
import { runCli } from "../../src/cli/cli.ts";
import { processTerminal } from "../../src/cli/terminal.ts";

const [namespace = "", ...args] = process.argv.slice(2);
const code = await runCli(args, { terminal: processTerminal(), env: process.env, namespace });
process.stdout.write("", () => process.exit(code));
