/**
 * Every command with its arguments and options, as data: the parser, the help, the completion scripts and
 * the test of docs/cli.md are made from it. What a command does is loaded when it is called.
 */
import type { CommandSpec, OptionSpec } from './command-spec.js';

/** Options that every command takes. */
export const globalOptions: readonly OptionSpec[] = [
  { flags: '--home <folder>', summary: 'the home to work on, instead of BERTH_HOME' },
  { flags: '--host <url>', summary: 'ask the agent at this address, instead of BERTH_HOST' },
  { flags: '--token-file <file>', summary: 'holds the token for --host, instead of BERTH_TOKEN_FILE' },
];

const output: OptionSpec = {
  flags: '-o, --output <format>',
  summary: 'table for people, json for programs',
  choices: ['table', 'json'],
};
const message: OptionSpec = { flags: '-m, --message <text>', summary: 'why, kept in the history' };
const file: OptionSpec = { flags: '-f, --file <path>', summary: 'a definition file, or a folder of them' };
const prune: OptionSpec = { flags: '--prune', summary: 'remove what the file declared once and declares no longer' };
const force: OptionSpec = { flags: '--force', summary: 'undo what was edited elsewhere meanwhile' };
const wait: OptionSpec = { flags: '--wait', summary: 'wait until it has converged' };
const timeout: OptionSpec = { flags: '--timeout <duration>', summary: 'how long to wait: 30s, 5m, 2h (default: 60s)' };
const yes: OptionSpec = { flags: '-y, --yes', summary: 'do not ask' };

const service = { name: '<service>', summary: 'name of a service', completes: 'names' } as const;
const maybeService = { name: '[service]', summary: 'name of a service; absent: all', completes: 'names' } as const;
const target = { name: '<target>', summary: 'SERVICE or SERVICE/COMPONENT', completes: 'names' } as const;
const maybeTarget = { name: '[target]', summary: 'SERVICE or SERVICE/COMPONENT', completes: 'names' } as const;
const component = { name: '<component>', summary: 'SERVICE/COMPONENT', completes: 'names' } as const;
const token = { name: '<name>', summary: 'name of the token' } as const;
const maybeToken = { name: '[name]', summary: 'name of the token (default: default)' } as const;

export const commands: readonly CommandSpec[] = [
  {
    name: 'agent',
    summary: 'run the agent in the foreground: it makes what runs what is wanted',
    local: 'home',
    args: [],
    options: [
      { flags: '--config <file>', summary: 'the settings file (TOML)' },
      { flags: '--watch <folder>', summary: 'feed the definition files of a folder as they change', many: true },
      { flags: '-s, --set <key=value>', summary: 'a setting, over file and environment', many: true },
    ],
    load: () => import('./commands/agent.js'),
  },
  {
    name: 'apply',
    summary: 'make the registry say what definition files say',
    args: [],
    options: [file, prune, { flags: '--dry-run', summary: 'show the plan, change nothing' }, force, message, output],
    load: () => import('./commands/apply.js'),
  },
  {
    name: 'plan',
    summary: 'show what apply would change',
    args: [],
    options: [file, prune, { flags: '--exit-code', summary: 'exit with 10 when there is a difference' }, output],
    load: () => import('./commands/plan.js'),
  },
  {
    name: 'deploy',
    summary: 'apply, or take moved image tags, and wait until all has converged',
    args: [maybeTarget],
    options: [file, prune, force, timeout, message, output],
    load: () => import('./commands/deploy.js'),
  },
  {
    name: 'status',
    summary: 'show what is wanted, what was observed, and what is being done',
    args: [maybeService],
    options: [{ flags: '-w, --watch', summary: 'show it again whenever it changes' }, output],
    load: () => import('./commands/status.js'),
  },
  {
    name: 'drift',
    summary: 'show what differs from what is wanted, and why',
    args: [maybeService],
    options: [{ flags: '--exit-code', summary: 'exit with 10 when there is drift' }, output],
    load: () => import('./commands/drift.js'),
  },
  {
    name: 'usage',
    summary: 'show what components use of memory and processor',
    args: [target],
    options: [output],
    load: () => import('./commands/usage.js'),
  },
  {
    name: 'explain',
    summary: 'say why a component is as it is',
    args: [component],
    options: [output],
    load: () => import('./commands/explain.js'),
  },
  {
    name: 'events',
    summary: 'show what happened',
    args: [maybeTarget],
    options: [
      { flags: '-f, --follow', summary: 'go on with each new event' },
      { flags: '--since <when>', summary: 'a duration (10m) or an ISO time' },
      { flags: '--tail <count>', summary: 'the newest so many (default: 50; with --follow: 10)' },
      output,
    ],
    load: () => import('./commands/events.js'),
  },
  {
    name: 'logs',
    summary: 'show what programs print',
    args: [target],
    options: [
      { flags: '-f, --follow', summary: 'go on, through restarts and replacements' },
      { flags: '--tail <count>', summary: 'the last so many lines of each component' },
      { flags: '--since <when>', summary: 'a duration (10m) or an ISO time' },
      { flags: '-t, --timestamps', summary: 'the time before each line' },
      output,
    ],
    load: () => import('./commands/logs.js'),
  },
  {
    name: 'console',
    summary: 'attach to the serial console of a virtual machine; Ctrl-] leaves it',
    args: [component],
    options: [{ flags: '--no-stdin', summary: 'only show what it prints, type nothing' }],
    load: () => import('./commands/console.js'),
  },
  {
    name: 'exec',
    summary: 'run a program inside a container, to its end',
    args: [component, { name: '<command...>', summary: 'the program and its arguments, after --' }],
    options: [output],
    load: () => import('./commands/exec.js'),
  },
  {
    name: 'edit',
    summary: 'edit a service in $VISUAL or $EDITOR',
    args: [service],
    options: [yes, message],
    load: () => import('./commands/edit.js'),
  },
  {
    name: 'start',
    summary: 'want it running',
    args: [target],
    options: [wait, timeout, message, output],
    load: () => import('./commands/start.js'),
  },
  {
    name: 'stop',
    summary: 'want it stopped, until it is started again',
    args: [target],
    options: [wait, timeout, message, output],
    load: () => import('./commands/stop.js'),
  },
  {
    name: 'restart',
    summary: 'stop it and start it again, once',
    args: [target],
    options: [wait, timeout, message, output],
    load: () => import('./commands/restart.js'),
  },
  {
    name: 'delete',
    summary: 'remove a service, a component, or a named volume with its data',
    args: [target],
    options: [
      { flags: '--volume <name>', summary: 'remove this volume of the service, and nothing else' },
      yes,
      wait,
      timeout,
      message,
      output,
    ],
    load: () => import('./commands/delete.js'),
  },
  {
    name: 'history',
    summary: 'show who changed what, when and why',
    args: [target],
    options: [{ flags: '--limit <count>', summary: 'the newest so many (default: 20)' }, output],
    load: () => import('./commands/history.js'),
  },
  {
    name: 'rollback',
    summary: 'put a service back to what it was',
    args: [service],
    options: [
      { flags: '--to <revision>', summary: 'as it was right after this revision (default: before its last change)' },
      { flags: '--dry-run', summary: 'show the plan, change nothing' },
      message,
      output,
    ],
    load: () => import('./commands/rollback.js'),
  },
  {
    name: 'export',
    summary: 'print a service as a definition file',
    args: [service],
    options: [
      { flags: '--reveal', summary: 'show the values of secrets, which are masked else' },
      { flags: '-o, --output <format>', summary: 'toml or json', choices: ['toml', 'json'] },
    ],
    load: () => import('./commands/export.js'),
  },
  {
    name: 'doctor',
    summary: 'look for what keeps Berth from working here, with the remedy for each',
    args: [],
    options: [output],
    load: () => import('./commands/doctor.js'),
  },
  {
    name: 'gc',
    summary: 'remove what is kept and used by nothing, such as images of virtual machines',
    args: [],
    options: [{ flags: '--dry-run', summary: 'show it, remove nothing' }, output],
    load: () => import('./commands/gc.js'),
  },
  {
    name: 'login',
    summary: 'print a link that logs a browser in to the dashboard, once',
    args: [],
    options: [{ flags: '--as <token>', summary: 'log in by this token (default: the first that may write)' }, output],
    load: () => import('./commands/login.js'),
  },
  {
    name: 'token list',
    summary: 'show the tokens of the HTTP API',
    args: [],
    options: [output],
    local: 'home',
    load: () => import('./commands/token-list.js'),
  },
  {
    name: 'token show',
    summary: 'print a token',
    args: [maybeToken],
    options: [output],
    local: 'home',
    load: () => import('./commands/token-show.js'),
  },
  {
    name: 'token add',
    summary: 'make a token and print it',
    args: [token],
    options: [{ flags: '--access <access>', summary: 'read (default) or write', choices: ['read', 'write'] }, output],
    local: 'home',
    load: () => import('./commands/token-add.js'),
  },
  {
    name: 'token rotate',
    summary: 'make a token anew and print it; the old one, and who logged in by it, is void',
    args: [maybeToken],
    options: [output],
    local: 'home',
    load: () => import('./commands/token-rotate.js'),
  },
  {
    name: 'token remove',
    summary: 'take a token away, and the logins by it',
    args: [token],
    options: [],
    local: 'home',
    load: () => import('./commands/token-remove.js'),
  },
  {
    name: 'vm setup',
    summary: 'fetch the kernel that microVMs boot',
    local: 'home',
    args: [],
    options: [output],
    load: () => import('./commands/vm-setup.js'),
  },
  {
    name: 'sim',
    summary: 'try Berth itself in simulation: storms of faults by seed, or a mishap at each effect of a scenario',
    local: 'nothing',
    args: [],
    options: [
      { flags: '--seed <number>', summary: 'the seed of the first storm (default: 1)' },
      { flags: '--storms <count>', summary: 'how many storms, of one seed after the other (default: 1)' },
      { flags: '--scenario <name>', summary: 'sweep a scenario instead; all: each of them' },
      { flags: '--schedule <file>', summary: 'ride a storm that was kept as JSON' },
      { flags: '--list', summary: 'name the scenarios' },
      { flags: '--trace', summary: 'print what happened, line by line' },
      output,
    ],
    load: () => import('./commands/sim.js'),
  },
  {
    name: 'db check',
    summary: 'check the registry file',
    local: 'home',
    args: [],
    options: [output],
    load: () => import('./commands/db-check.js'),
  },
  {
    name: 'db backup',
    summary: 'write a consistent copy of the registry, while all go on',
    local: 'home',
    args: [{ name: '[file]', summary: 'where to; absent: beside the registry', completes: 'files' }],
    options: [],
    load: () => import('./commands/db-backup.js'),
  },
  {
    name: 'db restore',
    summary: 'put a backup in the registry’s place; the agent must be stopped',
    local: 'home',
    args: [{ name: '<file>', summary: 'the backup', completes: 'files' }],
    options: [yes],
    load: () => import('./commands/db-restore.js'),
  },
  {
    name: 'db migrate',
    summary: 'bring the registry file up to this version, after a backup',
    local: 'home',
    args: [],
    options: [],
    load: () => import('./commands/db-migrate.js'),
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    local: 'nothing',
    args: [{ name: '<shell>', summary: 'bash, zsh or fish' }],
    options: [],
    load: async () => ({ run: (await import('./commands/completion.js')).runWith(commands, globalOptions) }),
  },
  {
    name: 'names',
    summary: 'print the names of services and components, for completion',
    args: [],
    options: [],
    hidden: true,
    load: () => import('./commands/names.js'),
  },
];

/** Commands that only hold others. */
export const commandGroups: Readonly<Record<string, string>> = {
  token: 'look after the tokens of the HTTP API',
  vm: 'prepare this machine for virtual machines',
  db: 'look after the registry file',
};
