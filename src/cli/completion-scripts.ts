/** Completion scripts, made from the table of commands. */
import type { CommandSpec, OptionSpec } from './command-spec.js';

/** The program to complete: its commands, and the options of them all. */
export interface Completable {
  readonly commands: readonly CommandSpec[];
  readonly globalOptions: readonly OptionSpec[];
}

const visibleOf = ({ commands }: Completable): readonly CommandSpec[] =>
  commands.filter((command) => command.hidden !== true);

const firstWords = (visible: readonly CommandSpec[]): readonly string[] => [
  ...new Set(visible.map((command) => command.name.split(' ')[0] ?? '')),
];

/** `-f, --file <path>` as its words: `-f`, `--file`. */
export function flagWords(flags: string): readonly string[] {
  return flags.match(/(?<![\w-])--?[a-z][a-z-]*/gi) ?? [];
}

function optionWords(command: CommandSpec, globalOptions: readonly OptionSpec[]): readonly string[] {
  return [...command.options, ...globalOptions, { flags: '-h, --help' }].flatMap((option) => flagWords(option.flags));
}

function subcommandsOf(visible: readonly CommandSpec[], group: string): readonly string[] {
  return visible.flatMap((command) => {
    const [first, second] = command.name.split(' ');
    return first === group && second !== undefined ? [second] : [];
  });
}

/** The part of the words that says what an argument may be. */
function argumentKind(command: CommandSpec): 'names' | 'files' | 'shells' | 'none' {
  if (command.name === 'completion') return 'shells';
  return command.args[0]?.completes ?? 'none';
}

/** For bash 4 and later. */
export function bashCompletion(program: Completable): string {
  const visible = visibleOf(program);
  const topLevel = firstWords(visible);
  const subcommands = (group: string): readonly string[] => subcommandsOf(visible, group);
  const cases = visible.map((command) => {
    const words = optionWords(command, program.globalOptions).join(' ');
    return `    ${JSON.stringify(command.name)}) options=${JSON.stringify(words)}; kind=${argumentKind(command)} ;;`;
  });
  const groups = [...new Set(topLevel.filter((name) => subcommands(name).length > 0))].map(
    (name) => `    ${name}) subcommands=${JSON.stringify(subcommands(name).join(' '))} ;;`,
  );
  return `# bash completion for berth; use it with: source <(berth completion bash)
_berth() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]:-}" options='' kind=none subcommands=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -le 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W ${JSON.stringify(topLevel.join(' '))} -- "$current")
    return
  fi
  case "$command" in
${groups.join('\n')}
  esac
  if [ -n "$subcommands" ]; then
    if [ "$COMP_CWORD" -eq 2 ]; then
      mapfile -t COMPREPLY < <(compgen -W "$subcommands" -- "$current")
      return
    fi
    command="$command \${COMP_WORDS[2]:-}"
  fi
  case "$command" in
${cases.join('\n')}
  esac
  case "$previous" in
    -o|--output) mapfile -t COMPREPLY < <(compgen -W 'table json' -- "$current"); return ;;
    --file|--config|--watch|--home) kind=files ;;
    -f) case "$command" in apply|plan|deploy) kind=files ;; esac ;;
  esac
  if [[ "$current" == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  fi
  case "$kind" in
    names) mapfile -t COMPREPLY < <(compgen -W "$(berth names 2>/dev/null)" -- "$current") ;;
    files) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    shells) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$current") ;;
  esac
}
complete -o filenames -F _berth berth
`;
}

/** For zsh, by way of its own emulation of bash's completion. */
export function zshCompletion(program: Completable): string {
  const visible = visibleOf(program);
  const topLevel = firstWords(visible);
  const subcommands = (group: string): readonly string[] => subcommandsOf(visible, group);
  const describe = (name: string, summary: string): string => `    ${singleQuoted(`${name}:${summary}`)}`;
  const firsts = topLevel.map((name) => {
    const command = visible.find((candidate) => candidate.name === name);
    return describe(name, command?.summary ?? subcommands(name).join(', '));
  });
  const cases = visible.map((command) => {
    const words = optionWords(command, program.globalOptions).join(' ');
    return `    ${singleQuoted(command.name)}) options=(${words}); kind=${argumentKind(command)} ;;`;
  });
  const groups = topLevel
    .filter((name) => subcommands(name).length > 0)
    .map((name) => `    ${name}) subcommands=(${subcommands(name).join(' ')}) ;;`);
  return `#compdef berth
# zsh completion for berth; use it with: source <(berth completion zsh)
_berth() {
  local command="\${words[2]}" kind=none
  local -a firsts options subcommands names
  firsts=(
${firsts.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' firsts
    return
  fi
  case "$command" in
${groups.join('\n')}
  esac
  if (( \${#subcommands} )); then
    if (( CURRENT == 3 )); then
      compadd -a subcommands
      return
    fi
    command="$command \${words[3]}"
  fi
  case "$command" in
${cases.join('\n')}
  esac
  case "\${words[CURRENT-1]}" in
    -o|--output) compadd table json; return ;;
    --file|--config|--watch|--home) kind=files ;;
    -f) case "$command" in apply|plan|deploy) kind=files ;; esac ;;
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    compadd -- "\${options[@]}"
    return
  fi
  case "$kind" in
    names) names=(\${(f)"$(berth names 2>/dev/null)"}); compadd -a names ;;
    files) _files ;;
    shells) compadd bash zsh fish ;;
  esac
}
compdef _berth berth
`;
}

/** For fish. */
export function fishCompletion(program: Completable): string {
  const visible = visibleOf(program);
  const topLevel = firstWords(visible);
  const subcommands = (group: string): readonly string[] => subcommandsOf(visible, group);
  const lines = ['# fish completion for berth; use it with: berth completion fish | source', 'complete -c berth -f'];
  for (const name of topLevel) {
    const summary = visible.find((command) => command.name === name)?.summary ?? subcommands(name).join(', ');
    lines.push(`complete -c berth -n __fish_use_subcommand -a ${name} -d ${singleQuoted(summary)}`);
  }
  for (const command of visible) {
    const [first = '', second] = command.name.split(' ');
    const condition =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    if (second !== undefined) {
      lines.push(
        `complete -c berth -n ${singleQuoted(`__fish_seen_subcommand_from ${first}`)} -a ${second} -d ${singleQuoted(command.summary)}`,
      );
    }
    lines.push(...fishOptions([...command.options, ...program.globalOptions], condition));
    const kind = argumentKind(command);
    const values = { names: "'(berth names 2>/dev/null)'", shells: "'bash zsh fish'", files: null, none: null }[kind];
    if (values !== null) lines.push(`complete -c berth -n ${singleQuoted(condition)} -a ${values}`);
    if (kind === 'files') lines.push(`complete -c berth -n ${singleQuoted(condition)} -F`);
  }
  return `${lines.join('\n')}\n`;
}

function fishOptions(options: readonly OptionSpec[], condition: string): readonly string[] {
  return options.map((option) => {
    const words = flagWords(option.flags).map((word) =>
      word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`,
    );
    const takesValue = option.flags.includes('<');
    const files = /<(?:path|file|folder)>/.test(option.flags);
    const value = !takesValue
      ? ''
      : option.choices
        ? ` -x -a ${singleQuoted(option.choices.join(' '))}`
        : files
          ? ' -r -F'
          : ' -x';
    return `complete -c berth -n ${singleQuoted(condition)} ${words.join(' ')}${value} -d ${singleQuoted(option.summary)}`;
  });
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll('’', "'").replaceAll("'", `'\\''`)}'`;
}
