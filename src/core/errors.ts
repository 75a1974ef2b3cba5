/**
 * Every error that a user can meet, in one place. An error carries a code, a message that names the
 * thing at hand, its cause, and what to do next. docs/errors.md explains each; a test compares the two.
 */

interface ErrorKind {
  /** What it means, in a few words. */
  readonly title: string;
  /** What to do next, unless the place that throws knows better. */
  readonly suggestion: string;
  /** The exit code of the command line. */
  readonly exit: 1 | 2 | 3 | 4 | 5;
}

const kind = (exit: ErrorKind['exit'], title: string, suggestion: string): ErrorKind => ({ title, suggestion, exit });

export const errorKinds = {
  // The user's input
  E_USAGE: kind(2, 'the command was not understood', 'run the command with --help'),
  E_DEFINITION: kind(2, 'the definition has errors', 'correct the lines named and apply again'),
  E_SETTINGS: kind(2, 'the settings have errors', 'correct the setting named'),
  E_NOT_FOUND: kind(4, 'there is no such thing', 'see what there is with: berth status'),
  E_CONFLICT: kind(
    5,
    'it was changed by somebody else meanwhile',
    'look at the difference, then apply again with --force',
  ),
  E_NAME_COLLISION: kind(2, 'two components would have one workload name', 'rename one of the two'),
  E_PORT_COLLISION: kind(2, 'two components publish one host port', 'give one of them another host port'),
  // The registry
  E_REGISTRY_BUSY: kind(
    1,
    'the registry is locked by another program',
    'end the transaction that holds it, then try again',
  ),
  E_REGISTRY_CORRUPT: kind(
    1,
    'the registry file is damaged',
    'nothing was overwritten; restore a backup with: berth db restore FILE',
  ),
  E_REGISTRY_NEWER: kind(
    1,
    'the registry was written by a newer Berth',
    'upgrade Berth, or restore the backup made before the migration',
  ),
  E_REGISTRY_OLDER: kind(1, 'the registry needs a migration', 'run: berth db migrate'),
  E_REGISTRY_MISSING: kind(4, 'there is no registry here', 'set BERTH_HOME, or start an agent first: berth agent'),
  E_REGISTRY_IO: kind(
    1,
    'the registry file cannot be read or written',
    'look at the cause: rights, disk space, file system',
  ),
  E_AGENT_RUNNING: kind(1, 'another agent serves this home', 'stop it first, or set another BERTH_HOME'),
  E_DISK_FULL: kind(1, 'the disk is full', 'free some space; nothing was lost, and it is tried again by itself'),
  // Drivers
  E_DRIVER_UNREACHABLE: kind(1, 'the runtime does not answer', 'see what is wrong with: berth doctor'),
  E_DRIVER_TIMEOUT: kind(1, 'the runtime did not answer in time', 'see what is wrong with: berth doctor'),
  E_DRIVER_FAILED: kind(1, 'the runtime refused', 'read the cause: it is in the words of the runtime'),
  E_RUNTIME_UNAVAILABLE: kind(1, 'this node cannot serve that runtime', 'see the remedy with: berth doctor'),
  E_WORKLOAD_MISSING: kind(1, 'the workload is gone', 'nothing to do: it is looked at again at once'),
  E_NAME_TAKEN: kind(
    1,
    'somebody else has a workload of this name',
    'rename or remove the other one, or set a name prefix',
  ),
  E_PORT_TAKEN: kind(1, 'the host port is in use', 'free the port, or publish another one'),
  E_IMAGE_MISSING: kind(1, 'the image is not here', 'build or pull it, or set pull = "missing"'),
  E_IMAGE_PULL: kind(1, 'the image could not be pulled', 'check the reference, the network and the login'),
  E_IMAGE_GONE: kind(1, 'the image of this generation is no longer here', 'apply again to take what the tag names now'),
  E_BUILD_FAILED: kind(
    1,
    'the image could not be built',
    'read the end of the build log, correct the context and apply again',
  ),
  E_ENV_FILE: kind(1, 'an env or secret file cannot be read', 'create the file, or correct its path and its lines'),
  E_VOLUME_SOURCE: kind(1, 'the host path of a volume does not exist', 'create it, or correct the path'),
  E_VOLUME_BUSY: kind(
    1,
    'the volume is in use in another runtime',
    'stop what mounts it there, or give this component a volume of its own',
  ),
  // Virtual machines
  E_KERNEL_MISSING: kind(1, 'there is no kernel for microVMs', 'fetch one with: berth vm setup'),
  E_VM_IMAGE: kind(1, 'the image cannot be made to boot', 'read the message: it says what the image lacks'),
  E_VM_MEMORY: kind(1, 'the memory is too small to boot this image', 'raise memory_mb to what the message says'),
  E_VM_START: kind(1, 'QEMU could not start the machine', 'read the message: it is in the words of QEMU'),
  E_OPS: kind(1, 'ops could not build the unikernel', 'read the message: it is in the words of ops'),
  // The API
  E_UNAUTHENTICATED: kind(1, 'nobody proved who asks', 'send a token, or log in with the link of: berth login'),
  E_FORBIDDEN: kind(1, 'this caller may not do that', 'use a token that may write, or the address of the agent itself'),
  E_TOKENS: kind(1, 'the file of tokens cannot be used', 'correct it, or remove it and run: berth token add NAME'),
  E_METHOD: kind(1, 'the address does not do that', 'use one of the methods that the answer allows'),
  E_TOO_LARGE: kind(1, 'the request is too large', 'send less at once'),
  E_TOO_MANY: kind(1, 'there were too many requests', 'wait a little, then try again'),
  E_WATCH_GONE: kind(
    1,
    'the history does not reach back that far',
    'begin the watch anew, without a place to resume from',
  ),
  E_AGENT_UNREACHABLE: kind(
    1,
    'the agent does not answer',
    'see on its machine that it runs, and where it listens, with: berth doctor',
  ),
  E_AGENT_ANSWER: kind(
    1,
    'the agent’s answer was not understood',
    'see that --host names an agent of Berth, and that both are of one version',
  ),
  // Waiting
  E_NOT_CONVERGED: kind(3, 'it did not converge in time', 'see why with: berth explain SERVICE/COMPONENT'),
  E_COMPONENT_FAILED: kind(1, 'the component failed', 'see why with: berth explain SERVICE/COMPONENT'),
  E_EDITOR: kind(1, 'the editor failed', 'set EDITOR to an editor that exits with 0'),
  E_NOT_SUPPORTED: kind(2, 'this is not supported', 'see docs/ for what is'),
  E_INTERNAL: kind(1, 'a defect of Berth', 'please report it with the log of the agent'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export interface BerthErrorOptions {
  readonly cause?: unknown;
  /** What to do next, where the place that throws knows better than the code's own. */
  readonly suggestion?: string;
  /** Facts for programs; JSON values only, no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error class. Whatever else is thrown is a defect and becomes `E_INTERNAL` at the edge. */
export class BerthError extends Error {
  override readonly name = 'BerthError';
  readonly code: ErrorCode;
  readonly suggestion: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: BerthErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.suggestion = options.suggestion ?? errorKinds[code].suggestion;
    this.details = options.details ?? {};
  }

  /** The exit code of the command line. */
  get exit(): number {
    return errorKinds[this.code].exit;
  }
}

/** True when `error` is a BerthError, of one of `codes` if any are given. */
export function isBerthError(error: unknown, ...codes: readonly ErrorCode[]): error is BerthError {
  return error instanceof BerthError && (codes.length === 0 || codes.includes(error.code));
}

/** The error as a BerthError; a stranger becomes `E_INTERNAL` with itself as the cause. */
export function toBerthError(error: unknown): BerthError {
  if (error instanceof BerthError) return error;
  return new BerthError('E_INTERNAL', messageOf(error), { cause: error });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
