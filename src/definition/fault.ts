/** What is wrong with one value, before anybody knows where it stands. */
import type { FieldPath } from './positions.js';

export interface Fault {
  /** Names what is there. */
  readonly message: string;
  /** What would be right. */
  readonly suggestion: string;
}

/** A fault at a path of the document. */
export interface PlacedFault extends Fault {
  readonly path: FieldPath;
  /** `key`: the key itself is meant; `value`: what it holds. */
  readonly at: 'key' | 'value';
}
