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

/** Flags with a value, each with the values that it may have; none: any. A flag takes a value at every command that has it, or at none. */
type Values = ReadonlyMap<string, ReadonlySet<string>>;

export function completionScript(program: Command, shell: Shell): string {
  const values = new Map<string, Set<string>>();
  addValues(values, program);
  return writers[shell](placesOf(program, []), values);
}

function addValues(values: Map<string, Set<string>>, command: Command): void {
  for (const { long, short, required, argChoices = [] } of command.options)
    for (const name of required ? [long, short] : []) if (name) values.set(name, new Set([...(values.get(name) ?? []), ...argChoices]));
  for (const child of command.commands) addValues(values, child);
}

function placesOf(command: Command, path: readonly string[]): readonly Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).map((each) => ({ word: each.name(), about: each.description() }));
  const globals = path.length === 0 ? [] : help.visibleGlobalOptions(command);
  const flags = [...help.visibleOptions(command), ...globals].flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : []));
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) => argChoices.map((word) => ({ word, about: description })));
  const here = { path: path.join(" "), words: [...commands, ...choices, ...flags] };
  return [here, ...command.commands.flatMap((child) => placesOf(child, [...path, child.name()]))];
}

const writers: Readonly<Record<Shell, (places: readonly Place[], values: Values) => string>> = {
  bash: (places, values) => `# reprise completion bash > /etc/bash_completion.d/reprise, or: source <(reprise completion bash)
_reprise() {
  local path="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " $(_reprise_words "$path") " in
      *" $word "*) [[ $word == -* ]] || path="\${path:+$path }$word" ;;
    esac
  done
  words=$(_reprise_values "\${COMP_WORDS[COMP_CWORD-1]}") || words=$(_reprise_words "$path")
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
_reprise_words() {
  case "$1" in
${cases(places)}
  esac
}
${valuesOf(values)}
complete -o default -F _reprise reprise
`,
  zsh: (places, values) => `#compdef reprise
# reprise completion zsh > a folder of $fpath, under the name _reprise
_reprise() {
  local place="" word found
  for word in "\${words[@]:1:$((CURRENT - 2))}"; do
    case " $(_reprise_words "$place") " in
      *" $word "*) [[ $word == -* ]] || place="\${place:+$place }$word" ;;
    esac
  done
  if found=$(_reprise_values "\${words[CURRENT - 1]}"); then
    if [[ -n $found ]]; then compadd -- \${(s: :)found}; else _files; fi
  else
    compadd -- \${(s: :)"$(_reprise_words "$place")"}
  fi
}
_reprise_words() {
  case "$1" in
${cases(places)}
  esac
}
${valuesOf(values)}
if [ "$funcstack[1]" = "_reprise" ]; then _reprise "$@"; else compdef _reprise reprise; fi
`,
  fish: (places, values) => `# reprise completion fish > ~/.config/fish/completions/reprise.fish
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
${places.flatMap(({ path, words }) => words.map(({ word, about }) => `complete -c reprise -n ${quoted(`__reprise_at ${quoted(path)}`)} ${word.startsWith("--") ? `-l ${word.slice(2)}${valueInFish(values.get(word))}` : `-f -a ${word}`} -d ${quoted(short(about))}`)).join("\n")}
`,
};

function cases(places: readonly Place[]): string {
  return places.map(({ path, words }) => `    ${quoted(path)}) echo ${quoted(words.map(({ word }) => word).join(" "))} ;;`).join("\n");
}

/** Ends with 0 for a flag with a value, and prints those that it may have. */
function valuesOf(values: Values): string {
  const chosen = [...values].filter(([, choices]) => choices.size > 0).map(([name, choices]) => `    ${name}) echo ${quoted([...choices].join(" "))} ;;`);
  const any = [...values].filter(([, choices]) => choices.size === 0).map(([name]) => name);
  return `_reprise_values() {\n  case "$1" in\n${chosen.join("\n")}\n    ${any.join("|")}) ;;\n    *) return 1 ;;\n  esac\n}`;
}

function valueInFish(choices: ReadonlySet<string> | undefined): string {
  if (choices === undefined) return "";
  return choices.size === 0 ? " -r" : ` -x -a ${quoted([...choices].join(" "))}`;
}

/** Fish shows it in one line. */
function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** In single quotes, which every shell takes as they stand; fish also knows \\ in them. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "'\\''")}'`;
}
