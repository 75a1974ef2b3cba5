/** Reading and writing definition files, as the faces see it. */
import type { ServiceSpec } from '../spec.js';

/** One thing wrong in a definition file. Lines and columns count from 1. */
export interface DefinitionProblem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** `components[1].memory_mb`; empty when the file as a whole is meant. */
  readonly field: string;
  readonly message: string;
  /** What would be right. */
  readonly suggestion: string;
}

/** One definition file, read. */
export interface Definition {
  /** Absolute path; relative paths in the file are resolved against its folder. */
  readonly path: string;
  /** SHA-256 of the text, hex. */
  readonly contentHash: string;
  readonly spec: ServiceSpec;
}

export interface DefinitionReader {
  /** Checks one text. All problems at once; a definition only when there is none. */
  parse(
    text: string,
    path: string,
  ): { readonly definition?: Definition; readonly problems: readonly DefinitionProblem[] };
  /** Reads a file, or every `*.toml` of a folder (not its subfolders), in order of names. Never throws for what the user did. */
  load(path: string): Promise<{
    readonly definitions: readonly Definition[];
    readonly problems: readonly DefinitionProblem[];
    readonly files: readonly string[];
  }>;
  /** The service as TOML that parses back to the same spec; defaults are left out. */
  print(spec: ServiceSpec): string;
}
