/** What the command line needs of the world; composed elsewhere, so that tests can bring their own. */
import type { BerthClient } from '../api/client.js';
import type { LoginLink, TokenKeeper } from '../api/http/auth/index.js';
import type { Clock } from '../core/ports/clock.js';

/** One of the two streams a command writes to. */
export interface Output {
  write(text: string | Uint8Array): void;
  /** A person reads it: colours and redrawing are fine. */
  readonly isTty: boolean;
  /** Width of the terminal in characters; undefined when it is none. */
  readonly columns: number | undefined;
}

/** What a command is fed with. */
export interface Input {
  /** A person types it. */
  readonly isTty: boolean;
  /** The bytes as they come, until their end or until the signal fires. To be read once at a time. */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Hands over each key as it is pressed, Ctrl-C too. Answers what takes it back. For a terminal only. */
  makeRaw(): () => void;
}

export interface Stdio {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Asks a question on the terminal; undefined when there is nobody to ask. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Calls `run` when the reader of stdout is gone (EPIPE); the process must not fail of it. Answers what takes it back. */
  onStdoutClosed(run: () => void): () => void;
  /** Calls `run` at Ctrl-C or SIGTERM, instead of ending the process. Answers what takes it back. */
  onInterrupt(run: () => void): () => void;
}

/** The agent of another machine. */
export interface HostOptions {
  /** As the user wrote it. */
  readonly url: string;
  /** The file with the token, absolute; null: none was named. */
  readonly tokenFile: string | null;
}

export interface ConnectOptions {
  /** `--home`; null: BERTH_HOME or its default. */
  readonly home: string | null;
  /** The agent to ask, instead of a home; null: the home counts. */
  readonly host: HostOptions | null;
  /** Written into the history with each change: `cli:NAME`. */
  readonly actor: string;
  /** Make the registry when there is none; else that is E_REGISTRY_MISSING. */
  readonly create: boolean;
}

export interface LoginRequest extends Omit<ConnectOptions, 'create'> {
  /** Name of the token to log in by; null: the agent chooses. */
  readonly token: string | null;
}

export interface AgentOptions {
  readonly home: string | null;
  /** The settings file; null: the default one, if it exists. */
  readonly config: string | null;
  /** Folders of definition files to watch. */
  readonly watch: readonly string[];
  /** Settings of the command line, over file and environment: `KEY=VALUE`. */
  readonly set: readonly string[];
}

export interface CheckResult {
  readonly ok: boolean;
  readonly path: string;
  /** Number of the last migration that the file has seen. */
  readonly version: number;
  readonly problems: readonly string[];
}

export interface MigrateResult {
  readonly path: string;
  readonly from: number;
  readonly to: number;
  /** Copy of the file from before; null when nothing was to be done. */
  readonly backup: string | null;
}

/** What is done to the registry file as a whole. `home` as in `ConnectOptions`. */
export interface Maintenance {
  check(home: string | null): Promise<CheckResult>;
  /** Writes a consistent copy while others write on; answers its path. null: a name of its own beside the registry. */
  backup(home: string | null, to: string | null): Promise<string>;
  /** Puts a backup in the registry's place; answers where the file from before was kept; null: there was none. */
  restore(home: string | null, from: string): Promise<{ readonly path: string; readonly kept: string | null }>;
  migrate(home: string | null): Promise<MigrateResult>;
}

/** What this machine needs once to run virtual machines. */
export interface VmSetUp {
  /** The version of the guest kernel, and where it lies. */
  readonly version: string;
  readonly path: string;
}

export interface SimulationRequest {
  readonly seed: number;
  /** How many seeds, one storm each. */
  readonly storms: number;
  /** A scenario to sweep instead, by name; `all` for each. */
  readonly scenario: string | null;
  /** A file with the schedule of a storm to ride instead. Absolute. */
  readonly schedule: string | null;
  readonly trace: boolean;
}

/** One storm, or one scenario with a mishap at each effect. */
export interface SimulationRun {
  readonly name: string;
  /** null: all held. */
  readonly failure: string | null;
  /** Of a storm that failed: a short one that fails alike. JSON. */
  readonly schedule: unknown;
  /** What happened in a storm, in words. */
  readonly gusts: readonly string[];
  readonly trace: readonly string[];
  /** Writes of a status, and calls that change something. */
  readonly steps: number;
  /** Of a scenario: how many mishaps were tried. */
  readonly mishaps: number;
}

export interface CliDeps {
  connect(options: ConnectOptions): Promise<BerthClient>;
  /** Runs an agent in the foreground until it is told to stop; answers the exit code. */
  runAgent(options: AgentOptions): Promise<number>;
  readonly maintenance: Maintenance;
  /** The tokens of a home. `home` as in `ConnectOptions`. */
  tokens(home: string | null): Promise<TokenKeeper>;
  /** A link that logs a browser in once, from the agent. E_AGENT_UNREACHABLE. */
  loginLink(request: LoginRequest): Promise<LoginLink>;
  readonly vm: {
    /**
     * Fetches the kernel that microVMs boot and keeps it in the home; what is there already stays. `home` as in
     * `ConnectOptions`. `say` is told of each step in a few words.
     */
    setUp(home: string | null, say: (step: string) => void, signal: AbortSignal): Promise<VmSetUp>;
  };
  /** Berth itself in simulation; touches nothing of this machine. */
  readonly simulation: {
    names(): Promise<readonly string[]>;
    /** Hands over each run as it ends. E_NOT_FOUND, E_DEFINITION. */
    run(request: SimulationRequest): AsyncIterable<SimulationRun>;
  };
  /** Runs a program on the terminal and waits for its end; answers its exit code. */
  runEditor(argv: readonly string[]): Promise<number>;
  readonly stdio: Stdio;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory: relative paths are meant from here. */
  readonly cwd: string;
  readonly clock: Clock;
  /** The name of the user who runs the command. */
  userName(): string;
  /** `--version`. */
  readonly version: string;
}
