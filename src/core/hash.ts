/** Stable text and a short hash of JSON values, without any library: for labels and cache keys, not for secrets. */

/** JSON with sorted keys: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
  }
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** True when two JSON values say the same, whatever the order of keys: when `canonicalJson` would show one text for both. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return (a ?? null) === (b ?? null);
  if (Array.isArray(a)) return Array.isArray(b) && sameLists(a, b);
  return !Array.isArray(b) && sameMembers(a as Members, b as Members);
}

type Members = Readonly<Record<string, unknown>>;

function sameLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
}

/** A member that is undefined is none; one that is null is there. */
function sameMembers(a: Members, b: Members): boolean {
  for (const name in a) {
    const [left, right] = [ownOf(a, name), ownOf(b, name)];
    if (left === undefined || right === undefined ? left !== right : !sameJson(left, right)) return false;
  }
  for (const name in b) if (ownOf(a, name) === undefined && ownOf(b, name) !== undefined) return false;
  return true;
}

/** A name like `toString` is one that every object answers to, and a variable may have it. */
function ownOf(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

/** FNV's prime is 2^40 + this. */
const primeLow = 0x1b3;
const offsetHigh = 0xcbf29ce4;
const offsetLow = 0x84222325;
const wordSize = 2 ** 32;

/** FNV-1a, 64 bits, as 16 hex digits (http://www.isthe.com/chongo/tech/comp/fnv/). Not cryptographic. */
export function shortHash(text: string): string {
  // Two words of 32 bits: every decision hashes, and big integers take ten times as long.
  let high = offsetHigh;
  let low = offsetLow;
  for (let index = 0; index < text.length; index += 1) {
    low = (low ^ text.charCodeAt(index)) >>> 0;
    const product = low * primeLow;
    high = (high * primeLow + Math.floor(product / wordSize) + low * 0x100) % wordSize;
    low = product % wordSize;
  }
  return `${hex(high)}${hex(low)}`;
}

const hex = (word: number): string => word.toString(16).padStart(8, '0');
