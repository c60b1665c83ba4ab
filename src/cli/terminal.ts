import { createInterface } from "node:readline/promises";
import { leave } from "../delivery/end-marker.ts";
import { visible } from "../event/visible.ts";
import { painted } from "./colour.ts";

/** What the command line reads from and writes to; passed in, so that tests play the person. */
export interface Terminal {
  /** Standard output: answers, and nothing else. */
  out(text: string): void;
  /** Standard error: problems, questions, progress, hints. */
  err(text: string): void;
  /** Which of the two is a terminal, for colours; left out: neither. */
  readonly tty?: { readonly out: boolean; readonly err: boolean };
  /** Someone sits there who can be asked. */
  readonly interactive: boolean;
  /** Characters in a row of output; undefined when it goes into a file or a pipe. */
  readonly columns: number | undefined;
  /** @returns what was typed; "" when nobody answers. */
  ask(question: string): Promise<string>;
  /** Standard input to its end. */
  input(): AsyncIterable<Uint8Array>;
}

const eraseToEnd = "\u001b[K";

/** The same terminal, on which no text of a sender, a handler or a service moves the cursor or has a colour: the one place through which all output goes. */
export function visibleOn(terminal: Terminal, inColour: { readonly out: boolean; readonly err: boolean } = { out: false, err: false }): Terminal {
  return {
    ...terminal,
    out: (text) => terminal.out(painted(visible(text), inColour.out)),
    err: (text) => {
      // Our own: a line that is drawn over the one before.
      const start = text.startsWith("\r") ? "\r" : "";
      const end = text.endsWith(eraseToEnd) ? eraseToEnd : "";
      terminal.err(start + painted(visible(text.slice(start.length, text.length - end.length)), inColour.err) + end);
    },
    ask: (question) => terminal.ask(visible(question)),
    input: () => terminal.input(),
  };
}

export function processTerminal(): Terminal {
  // `reprise events ls | head` closes the pipe early: that is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") leave(0);
    throw error;
  });
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    tty: { out: process.stdout.isTTY === true, err: process.stderr.isTTY === true },
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    // Some terminals say that they have no columns: then nobody knows how many.
    columns: process.stdout.isTTY === true && process.stdout.columns > 0 ? process.stdout.columns : undefined,
    async ask(question) {
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await prompt.question(question);
      } catch (error) {
        if ((error as Error).name !== "AbortError") throw error;
        process.stderr.write("\n"); // Ctrl-C or Ctrl-D: no answer
        return "";
      } finally {
        prompt.close();
      }
    },
    input: () => process.stdin,
  };
}
