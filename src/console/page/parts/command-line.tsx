/** What does the same as an act of this page on the command line. */
import { useState } from "preact/hooks";
import { commandLine, type Words } from "../base/command-line.ts";

export function CommandLine({ words }: { readonly words: Words }) {
  const [copied, setCopied] = useState("");
  const line = commandLine(words);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(line);
      setCopied(line);
    } catch {
      // The browser's user has refused: the line can be marked by hand.
    }
  };
  return (
    <p class="command">
      <code>{line}</code>
      {/* Browsers have a clipboard over TLS and on loopback only. */}
      {"clipboard" in navigator && (
        <button type="button" class="quiet small" onClick={() => void copy()}>
          {copied === line ? "Copied" : "Copy"}
        </button>
      )}
    </p>
  );
}
