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
  /** Prints `line 1`, `line 2` … up to `lines`, then ends with code 0. */
  | { readonly does: 'count'; readonly lines: number }
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
  /** Breaks the driver's event stream from the runtime's side. */
  cutEvents(): Promise<void>;
  /** How many list calls reached the runtime so far; null: nobody counts. */
  readonly listCalls: (() => number) | null;
  /** Removes whatever is left, of both homes and of no home, that this fixture or its tests made. */
  cleanup(): Promise<void>;
}
