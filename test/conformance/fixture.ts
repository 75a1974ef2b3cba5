/** What a driver's conformance test brings: the driver, a host to play with, and programs to run on it. */
import type { Driver } from '../../src/core/ports/driver.js';
import type { ComponentSpec } from '../../src/core/spec.js';

/** What a workload of the test image does. Each driver's fixture says it in its own way. */
export type TestProgram =
  /** Runs until SIGTERM, then ends with code 0. */
  | { readonly does: 'sleep' }
  | { readonly does: 'exit'; readonly code: number }
  | { readonly does: 'ignore-term' }
  /** Prints, then ends with code 0 or sleeps as above. */
  | {
      readonly does: 'print';
      readonly lines: readonly string[];
      readonly errorLines?: readonly string[];
      /** A last line without its end. */
      readonly unfinished?: string;
      readonly then: 'exit' | 'sleep';
    }
  /** Prints `line 1`, `line 2` … up to `lines`, each filled with dots up to `width`, then ends with code 0. */
  | { readonly does: 'count'; readonly lines: number; readonly width?: number }
  /** Prints these bytes, then one line of so many `x`, then `end` without a line end, and ends with code 0. */
  | { readonly does: 'raw'; readonly base64: string; readonly longLine: number }
  /** Prints each argument and then each of these variables between `<` and `>`, and ends with code 0. */
  | { readonly does: 'say'; readonly variables: readonly string[]; readonly arguments: readonly string[] }
  /** Prints `tick 1`, `tick 2` …, some each second, until SIGTERM. */
  | { readonly does: 'tick' };

/** What a runtime can do; the cases differ by it, and none is left out. */
export interface Can {
  /** Limits of a workload that runs are changed in place. */
  readonly limits: boolean;
  readonly pause: boolean;
  readonly exec: boolean;
  /** Folders of the host are mounted. */
  readonly hostFolders: boolean;
  /** Services have a network of their own. */
  readonly networks: boolean;
  /** The runtime shows workloads that no home of Berth made, and those of other homes. */
  readonly strangers: boolean;
  /** stdout and stderr are told apart; else both are the console. */
  readonly streams: boolean;
  /** Images are its own: its lists and events tell of them. */
  readonly images: boolean;
  /** Events come by a stream that can break. */
  readonly cutEvents: boolean;
  /** One process answers for all workloads: it can be started again, and while it hangs no call is answered. */
  readonly daemon: boolean;
}

/** What Podman can, and what imitates it. */
export const canAll: Can = Object.freeze({
  limits: true,
  pause: true,
  exec: true,
  hostFolders: true,
  networks: true,
  strangers: true,
  streams: true,
  images: true,
  cutEvents: true,
  daemon: true,
});

/** Machines have their limits from their start, no shared kernel to look into, and no names but those of their home. */
export const canMachines: Can = Object.freeze({
  limits: false,
  pause: true,
  exec: false,
  hostFolders: false,
  networks: false,
  strangers: false,
  streams: false,
  images: false,
  cutEvents: false,
  daemon: false,
});

export interface TestImage {
  readonly reference: string;
  /** `sha256:…` */
  readonly digest: string;
}

/** What a person does with the runtime's own tools. Each takes a native id. */
export interface ByHand {
  kill(nativeId: string): Promise<void>;
  stop(nativeId: string): Promise<void>;
  pause(nativeId: string): Promise<void>;
  remove(nativeId: string): Promise<void>;
  /** Mebibytes. */
  updateMemory(nativeId: string, memoryMb: number): Promise<void>;
  /** A workload without any label of Berth, running under this host name; answers its native id. */
  runForeign(hostName: string): Promise<string>;
  /** True while it runs. */
  isRunning(nativeId: string): Promise<boolean>;
  /** Makes `reference` name the image with this digest. */
  tag(digest: string, reference: string): Promise<void>;
  /** Removes an image, and whatever the runtime removes with it, by force. */
  removeImage(digest: string): Promise<void>;
}

/** An agent of its own, whose other side can be made to take its calls and never answer them. */
export interface Hangable {
  readonly driver: Driver;
  /** From now on; where each workload answers for itself, only this one hangs. */
  hang(nativeId: string): Promise<void>;
  resume(): Promise<void>;
}

export interface Fixture {
  readonly driver: Driver;
  readonly homeId: string;
  readonly namePrefix: string;
  /** The driver of another home on the same host, with another prefix. */
  readonly otherHome: Driver;
  readonly otherHomeId: string;
  /** Its default command sleeps, it sets the variable IMAGE_SAYS, and it has no user. */
  readonly image: TestImage;
  /** Another one, with another digest. */
  readonly secondImage: TestImage;
  /** What every workload of the suite has beside its defaults. */
  readonly spec: Partial<ComponentSpec>;
  /** The command that makes the test image do this. */
  command(program: TestProgram): readonly string[];
  /** Commands for `exec` inside the test image: prints a word; ends with a code. */
  readonly exec: {
    readonly echo: (word: string) => readonly string[];
    readonly exit: (code: number) => readonly string[];
  };
  readonly byHand: ByHand;
  /** A folder of the host that exists. */
  readonly hostFolder: string;
  /** A TCP port of 127.0.0.1 that nobody listens on. */
  freePort(): Promise<number>;
  /** Exit code of what was killed by hand; null where nobody is left to tell it. */
  readonly killedCode: number | null;
  /** Another agent of the first home: an open driver, which the case closes. */
  again(): Promise<Driver>;
  /** An agent of the first home with short deadlines. */
  hangable(): Promise<Hangable>;
  /** Breaks the driver's event stream from the runtime's side. */
  cutEvents(): Promise<void>;
  /** Ends the runtime's own process and has another in its place, soon; returns at once. */
  restartDaemon(): Promise<void>;
  /** An image that nobody else uses. */
  spareImage(): Promise<TestImage>;
  /** A folder that is built into an image, and takes a while to. */
  buildContext(): Promise<string>;
  /** How many starts and stops make a storm, and of how many workloads each. */
  readonly storm: { readonly workloads: number; readonly rounds: number };
  /** Mebibytes of log that are printed at once. */
  readonly floodMb: number;
  /** How many list calls reached the runtime so far; null: nobody counts. */
  readonly listCalls: (() => number) | null;
  /** What runs on the host for these native ids, also when the runtime knows nothing of it any more. */
  processesOf(nativeIds: readonly string[]): Promise<readonly string[]>;
  /** Removes whatever is left, of both homes and of no home, that this fixture or its tests made. */
  cleanup(): Promise<void>;
}
