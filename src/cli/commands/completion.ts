import { Argument, type Command } from "commander";
import type { World } from "../command.ts";
import { completionScript, type Shell, shells } from "../completion-scripts.ts";

/** `completion bash|zsh|fish`. */
export function addCompletion(program: Command, { terminal }: World): void {
  program
    .command("completion")
    .description("print a script that completes commands and flags in your shell")
    .addArgument(new Argument("<shell>", "your shell").choices(shells))
    .action((shell: Shell) => terminal.out(completionScript(program, shell)));
}
