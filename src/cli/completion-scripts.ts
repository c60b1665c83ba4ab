/** Scripts that complete `reprise` in a shell. They ask nothing of a service: all that is completed is in the command line's own tree. */
import type { Command } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** What may come after the words of `path`. */
interface Place {
  /** Names of commands, joined by blanks: `dlq replay`; "" at the start. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

export function completionScript(program: Command, shell: Shell): string {
  return writers[shell](placesOf(program, []));
}

function placesOf(command: Command, path: readonly string[]): readonly Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).map((each) => ({ word: each.name(), about: each.description() }));
  const globals = path.length === 0 ? [] : help.visibleGlobalOptions(command);
  const flags = [...help.visibleOptions(command), ...globals].flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : []));
  const here = { path: path.join(" "), words: [...commands, ...flags] };
  return [here, ...command.commands.flatMap((child) => placesOf(child, [...path, child.name()]))];
}

const writers: Readonly<Record<Shell, (places: readonly Place[]) => string>> = {
  bash: (places) => `# reprise completion bash > /etc/bash_completion.d/reprise, or: source <(reprise completion bash)
_reprise() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " $(_reprise_words "$path") " in
      *" $word "*) [[ $word == -* ]] || path="\${path:+$path }$word" ;;
    esac
  done
  mapfile -t COMPREPLY < <(compgen -W "$(_reprise_words "$path")" -- "\${COMP_WORDS[COMP_CWORD]}")
}
_reprise_words() {
  case "$1" in
${cases(places)}
  esac
}
complete -o default -F _reprise reprise
`,
  zsh: (places) => `#compdef reprise
# reprise completion zsh > a folder of $fpath, under the name _reprise
_reprise() {
  local place="" word
  for word in "\${words[@]:1:$((CURRENT - 2))}"; do
    case " $(_reprise_words "$place") " in
      *" $word "*) [[ $word == -* ]] || place="\${place:+$place }$word" ;;
    esac
  done
  compadd -- \${(s: :)"$(_reprise_words "$place")"}
}
_reprise_words() {
  case "$1" in
${cases(places)}
  esac
}
if [ "$funcstack[1]" = "_reprise" ]; then _reprise "$@"; else compdef _reprise reprise; fi
`,
  fish: (places) => `# reprise completion fish > ~/.config/fish/completions/reprise.fish
function __reprise_at
  set -l path
  for word in (commandline -opc)[2..]
    contains -- $word (__reprise_words "$path"); and not string match -q -- '-*' $word; and set -a path $word
  end
  test "$path" = "$argv[1]"
end
function __reprise_words
  switch "$argv[1]"
${places.map(({ path, words }) => `    case ${quoted(path)}\n      printf '%s\\n' ${words.map(({ word }) => word).join(" ")}`).join("\n")}
  end
end
${places.flatMap(({ path, words }) => words.map(({ word, about }) => `complete -c reprise -n ${quoted(`__reprise_at ${quoted(path)}`)} ${word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`} -d ${quoted(short(about))}`)).join("\n")}
`,
};

function cases(places: readonly Place[]): string {
  return places.map(({ path, words }) => `    ${quoted(path)}) echo ${quoted(words.map(({ word }) => word).join(" "))} ;;`).join("\n");
}

/** Fish shows it in one line. */
function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** In single quotes, which every shell takes as they stand; fish also knows \\ in them. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "'\\''")}'`;
}
