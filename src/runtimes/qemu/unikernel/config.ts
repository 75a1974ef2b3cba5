/**
 * The configuration file that `ops build` reads. Source: github.com/nanovms/ops types/config.go (keys and types: an
 * unknown key or a wrong type is refused) and lepton/image.go (what becomes of each).
 */
import { imagePath } from './paths.js';
import type { GuestNetwork } from '../contracts.js';

/** The keys that we use, spelled as ops does. */
export interface OpsConfig {
  readonly Args: readonly string[];
  readonly Env: Readonly<Record<string, string>>;
  /** Paths under the working directory of ops; each stands in the image at that path. */
  readonly Files: readonly string[];
  readonly Dirs: readonly string[];
  /** Size of the disk: ops makes it as large as what is in it, and the program could write hardly anything. */
  readonly BaseVolumeSz: string;
  readonly Kernel: string;
  readonly Boot: string;
  readonly NameServers: readonly string[];
  /** Strings, lists and maps only. */
  readonly ManifestPassthrough: Readonly<Record<string, string | readonly string[]>>;
  readonly RunConfig: {
    readonly IPAddress: string;
    readonly Gateway: string;
    /** ops overwrites it by the default of its flag: it is passed as a flag, too. */
    readonly NetMask: string;
  };
}

export interface OpsConfigInput {
  /** The whole argument vector, the program as the definition or image wrote it. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, of the image. */
  readonly workdir: string;
  readonly network: GuestNetwork;
  /** Paths of the host. */
  readonly kernel: string;
  readonly boot: string;
  /** Names at the top of the staged root file system. */
  readonly topFiles: readonly string[];
  readonly topFolders: readonly string[];
  /** Sum of the staged files. */
  readonly totalBytes: number;
}

const mebibyte = 1024 * 1024;
/** For the boot partition (12 MiB), the bookkeeping, and what a program writes; a hole in the file until then. */
const spareMb = 96;

/** The dotted mask of a prefix length, 0 to 32. */
export function netmaskOf(prefixLength: number): string {
  const bits = Array.from({ length: 32 }, (_, index) => (index < prefixLength ? 1 : 0));
  return [0, 8, 16, 24]
    .map((from) => bits.slice(from, from + 8).reduce<number>((sum, bit) => sum * 2 + bit, 0))
    .join('.');
}

/** What is written to config.json. Pure. */
export function opsConfig(input: OpsConfigInput): OpsConfig {
  const [, ...rest] = input.argv;
  const workdir = imagePath(input.workdir);
  return {
    Args: rest,
    Env: input.env,
    Files: input.topFiles,
    Dirs: input.topFolders,
    BaseVolumeSz: `${Math.ceil(input.totalBytes / mebibyte) + spareMb}m`,
    Kernel: input.kernel,
    Boot: input.boot,
    NameServers: input.network.nameServers,
    ManifestPassthrough: {
      // The program's exit code is then written to the debug port.
      debug_exit: 't',
      // ops puts its own path of the program first; a program of many names needs the one it was called by.
      arguments: input.argv,
      ...(workdir === '/' ? {} : { cwd: workdir }),
    },
    RunConfig: {
      IPAddress: input.network.address,
      Gateway: input.network.gateway,
      NetMask: netmaskOf(input.network.prefixLength),
    },
  };
}

/** Names and values that `ops` would refuse or mangle; undefined when all is well. */
export function unusableText(texts: readonly string[]): string | undefined {
  return texts.find((text) => text.includes('\0'));
}
