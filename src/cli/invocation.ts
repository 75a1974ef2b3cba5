/** One call of one command: what it was given, and what it may use. */
import { isAbsolute, resolve } from 'node:path';
import type { BerthClient, Target } from '../api/client.js';
import { BerthError } from '../core/errors.js';
import type { CliDeps, HostOptions } from './deps.js';
import { parseDuration, parseSince } from './durations.js';
import { hostOf } from './host.js';
import { printable, Styles } from './output/styles.js';

/** What a command does; answers the exit code. */
export type CommandRun = (invocation: Invocation) => Promise<number>;

/** Options as commander parsed them, read with their meaning. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** True when the flag was given. */
  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** False when the flag `--no-NAME` was given. */
  allows(name: string): boolean {
    return this.#values[name] !== false;
  }

  /** The option's text; null when it was not given. */
  text(name: string): string | null {
    const value = this.#values[name];
    return typeof value === 'string' ? value : null;
  }

  /** All values of an option that may be given several times. */
  list(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
  }

  /** A whole number of at least `min`; null when it was not given. E_USAGE. */
  count(name: string, min: number): number | null {
    const text = this.text(name);
    if (text === null) return null;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= min) return value;
    throw new BerthError('E_USAGE', `--${name} wants a whole number of at least ${min}, not "${text}"`);
  }

  /** A duration in milliseconds; `otherwiseMs` when it was not given. E_USAGE. */
  durationMs(name: string, otherwiseMs: number): number {
    const text = this.text(name);
    return text === null ? otherwiseMs : parseDuration(text, `--${name}`);
  }

  /** A time as Unix milliseconds, from a duration back from now or an ISO time; null when not given. E_USAGE. */
  sinceMs(name: string, nowMs: number): number | null {
    const text = this.text(name);
    return text === null ? null : parseSince(text, nowMs, `--${name}`);
  }
}

export class Invocation {
  readonly deps: CliDeps;
  readonly args: readonly string[];
  readonly options: Options;
  readonly styles: Styles;
  readonly #cleanups: (() => Promise<void> | void)[] = [];
  #stdoutClosed = false;
  readonly #onStdoutClosed = new Set<() => void>();

  constructor(deps: CliDeps, args: readonly string[], options: Options) {
    this.deps = deps;
    this.args = args;
    this.options = options;
    this.styles = new Styles(deps.stdio.stdout.isTty && !deps.env['NO_COLOR']);
    // Never taken back: a pipe may break after the command has ended, and that is no failure either.
    deps.stdio.onStdoutClosed(() => {
      this.#stdoutClosed = true;
      for (const run of this.#onStdoutClosed) run();
    });
  }

  /** JSON was asked for. */
  get json(): boolean {
    return this.options.text('output') === 'json';
  }

  get home(): string | null {
    const home = this.options.text('home');
    return home === null ? null : this.path(home);
  }

  /** The agent that was named, instead of a home; null: none was. E_USAGE. */
  get host(): HostOptions | null {
    return hostOf(this.options, this.deps.env, (text) => this.path(text));
  }

  /** Who runs the command, for the history. */
  get actor(): string {
    return actorOf(this.deps);
  }

  /** One line, or several, to stdout. Nothing when its reader is gone. */
  print(text: string): void {
    if (!this.#stdoutClosed) this.deps.stdio.stdout.write(`${text}\n`);
  }

  /** As it is, without a line end, to stdout. Nothing when its reader is gone. */
  write(part: string | Uint8Array): void {
    if (!this.#stdoutClosed) this.deps.stdio.stdout.write(part);
  }

  /** Pretty JSON to stdout. */
  printJson(value: unknown): void {
    this.print(JSON.stringify(value, null, 2));
  }

  /** A remark to stderr, out of the way of what a program reads. */
  remark(text: string): void {
    this.deps.stdio.stderr.write(`${text}\n`);
  }

  /** A path of the user's, made absolute. */
  path(text: string): string {
    return isAbsolute(text) ? resolve(text) : resolve(this.deps.cwd, text);
  }

  /** `-f`, made absolute. E_USAGE when it is missing. */
  file(): string {
    const file = this.options.text('file');
    if (file !== null && file !== '') return this.path(file);
    throw new BerthError('E_USAGE', 'no definition was named', { suggestion: 'name a file or a folder with: -f PATH' });
  }

  /** The argument at `index`, which the parser made sure of. */
  arg(index: number): string {
    return this.args[index] ?? '';
  }

  /** The argument at `index` as SERVICE[/COMPONENT]; null when it was not given. E_USAGE. */
  target(index: number): Target | null {
    const text = this.args[index];
    if (text === undefined) return null;
    const [service = '', component, ...rest] = text.split('/');
    if (service !== '' && component !== '' && rest.length === 0) return { service, component: component ?? null };
    throw new BerthError('E_USAGE', `"${text}" is neither SERVICE nor SERVICE/COMPONENT`);
  }

  /** The first argument as a target. E_USAGE. */
  requiredTarget(): Target {
    const target = this.target(0);
    if (target !== null) return target;
    throw new BerthError('E_USAGE', 'no service was named');
  }

  /** The first argument as a component. E_USAGE. */
  requiredComponent(command: string): { readonly service: string; readonly component: string } {
    const { service, component } = this.requiredTarget();
    if (component !== null) return { service, component };
    throw new BerthError('E_USAGE', `"${service}" is a service; ${command} wants SERVICE/COMPONENT`, {
      suggestion: `see its components with: berth status ${service}`,
    });
  }

  /** `-m`. */
  get note(): { readonly message: string | null } {
    return { message: this.options.text('message') };
  }

  /** Opens the client; it is closed when the command ends. */
  async connect(options: { readonly create: boolean } = { create: false }): Promise<BerthClient> {
    const { deps } = this;
    const { home, host } = this;
    const client = await deps.connect({ home, host, actor: this.actor, create: options.create });
    this.#cleanups.push(() => client.close());
    return client;
  }

  /** A signal that fires at Ctrl-C, or when nobody reads stdout any more. */
  untilInterrupted(): { readonly signal: AbortSignal; readonly interrupted: () => boolean } {
    const controller = new AbortController();
    let interrupted = false;
    this.#cleanups.push(
      this.deps.stdio.onInterrupt(() => {
        interrupted = true;
        controller.abort();
      }),
    );
    this.#onStdoutClosed.add(() => {
      controller.abort();
    });
    if (this.#stdoutClosed) controller.abort();
    return { signal: controller.signal, interrupted: () => interrupted };
  }

  /** Asks for a yes unless `--yes` was given. E_USAGE when there is nobody to ask. */
  async confirm(question: string): Promise<boolean> {
    if (this.options.flag('yes')) return true;
    const { ask } = this.deps.stdio;
    if (ask === undefined) {
      throw new BerthError('E_USAGE', 'this needs a yes, and there is no terminal to ask on', {
        suggestion: 'run it again with --yes',
      });
    }
    return /^y(es)?$/i.test((await ask(`${question} [y/N] `)).trim());
  }

  /** Lets go of what the command opened. */
  async finish(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
  }
}

/** `cli:NAME`; under sudo the name of who called it. */
function actorOf(deps: CliDeps): string {
  const name = deps.env['SUDO_USER'] ?? deps.userName();
  const clean = printable(name).replaceAll(' ', '');
  return `cli:${clean === '' ? 'unknown' : clean}`;
}
