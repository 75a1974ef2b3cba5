/**
 * Where each key and value of a TOML text stands. The parser gives values without their places, so this
 * scanner reads the text once more, only to note places. It is meant for text that parses; on anything
 * else it stops early, never throws, and never fails to end.
 */

/** A step into a document: a key, or an index of an array. */
export type PathStep = string | number;
export type FieldPath = readonly PathStep[];

/** Lines and columns count from 1; columns count UTF-16 units, as editors do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Places by path. A path that is not in the text answers the place of its nearest ancestor. */
export interface PositionIndex {
  /** Of the key that names the last step; of the value where the step is an index. */
  keyPlace(path: FieldPath): Place;
  /** Of the value; of its header for a table that has one. */
  valuePlace(path: FieldPath): Place;
  /** Offset of the value in the text, if it stands there. */
  valueOffset(path: FieldPath): number | undefined;
}

interface Entry {
  readonly keyAt: number;
  readonly valueAt: number;
}

/** Deeper paths than any schema of ours are not noted, which bounds the work on hostile files. */
const maxNotedDepth = 8;
const maxNesting = 64;

const pathId = (path: FieldPath): string => JSON.stringify(path);

/**
 * Answers where things stand in a text (without a byte order mark). It is scanned when that is first asked: most texts have
 * no fault to place.
 */
export function findPositions(text: string): PositionIndex {
  let scanned: ReadonlyMap<string, Entry> | undefined;
  let lineStarts: readonly number[] | undefined;
  const find = (path: FieldPath): Entry | undefined => (scanned ??= new TomlScanner(text).scan()).get(pathId(path));
  const nearest = (path: FieldPath, pick: (entry: Entry) => number): Place => {
    for (let length = path.length; length > 0; length -= 1) {
      const entry = find(path.slice(0, length));
      if (entry)
        return placeOf(length === path.length ? pick(entry) : entry.keyAt, (lineStarts ??= startsOfLines(text)));
    }
    return { line: 1, column: 1 };
  };
  return {
    keyPlace: (path) => nearest(path, (entry) => entry.keyAt),
    valuePlace: (path) => nearest(path, (entry) => entry.valueAt),
    valueOffset: (path) => find(path)?.valueAt,
  };
}

function startsOfLines(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function placeOf(offset: number, lineStarts: readonly number[]): Place {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}

interface KeyStep {
  readonly name: string;
  readonly at: number;
}

class TomlScanner {
  readonly #text: string;
  readonly #entries = new Map<string, Entry>();
  /** How many tables each array of tables holds so far. */
  readonly #tableCounts = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): ReadonlyMap<string, Entry> {
    let table: FieldPath = [];
    for (;;) {
      this.#skipBlank(true);
      if (this.#at >= this.#text.length) break;
      const before = this.#at;
      if (this.#peek() === '[') table = this.#header();
      else this.#pair(table, 0);
      if (this.#at === before) this.#at += 1;
    }
    return this.#entries;
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  /** The first note of a path wins: later headers only add to a table. */
  #note(path: FieldPath, keyAt: number, valueAt: number): void {
    if (path.length > maxNotedDepth) return;
    const id = pathId(path);
    if (!this.#entries.has(id)) this.#entries.set(id, { keyAt, valueAt });
  }

  /** `[a.b]` or `[[a.b]]`: answers the path of the table that follows. */
  #header(): FieldPath {
    this.#at += 1;
    const isArray = this.#peek() === '[';
    if (isArray) this.#at += 1;
    const steps = this.#key(']');
    while (this.#peek() === ']') this.#at += 1;
    const path: PathStep[] = [];
    for (const [index, step] of steps.slice(0, maxNotedDepth + 1).entries()) {
      path.push(step.name);
      this.#note(path, step.at, step.at);
      const isLast = index === steps.length - 1;
      const count = this.#tableCounts.get(pathId(path));
      if (isLast && isArray) {
        this.#tableCounts.set(pathId(path), (count ?? 0) + 1);
        path.push(count ?? 0);
        this.#note(path, step.at, step.at);
      } else if (count !== undefined) {
        path.push(count - 1);
      }
    }
    return path;
  }

  /** `a.b = value` below a table. */
  #pair(table: FieldPath, nesting: number): void {
    const steps = this.#key('=');
    if (this.#peek() !== '=') return;
    this.#at += 1;
    this.#skipBlank(false);
    const path = [...table];
    for (const [index, step] of steps.slice(0, maxNotedDepth + 1).entries()) {
      path.push(step.name);
      this.#note(path, step.at, index === steps.length - 1 ? this.#at : step.at);
    }
    this.#value(path, nesting);
  }

  /** Dotted key up to an end character, which is not taken. */
  #key(end: string): readonly KeyStep[] {
    const steps: KeyStep[] = [];
    for (;;) {
      this.#skipBlank(false);
      const at = this.#at;
      const char = this.#peek();
      if (char === '"' || char === "'") {
        this.#string();
        steps.push({ name: decodeKey(this.#text.slice(at, this.#at)), at });
      } else {
        while (/[A-Za-z0-9_-]/.test(this.#peek())) this.#at += 1;
        if (this.#at > at) steps.push({ name: this.#text.slice(at, this.#at), at });
      }
      this.#skipBlank(false);
      if (this.#peek() === '.') this.#at += 1;
      else if (this.#peek() === end || this.#at === at) return steps;
      else if (!/["'A-Za-z0-9_-]/.test(this.#peek())) return steps;
    }
  }

  #value(path: FieldPath, nesting: number): void {
    const char = this.#peek();
    if (char === '"' || char === "'") this.#string();
    else if (char === '[' && nesting < maxNesting) this.#array(path, nesting + 1);
    else if (char === '{' && nesting < maxNesting) this.#inlineTable(path, nesting + 1);
    else this.#word();
  }

  /** Passes over a number, truth value or date; a date may have a blank before its time. */
  #word(): void {
    const start = this.#at;
    while (this.#at < this.#text.length && !/[,\]}\s#]/.test(this.#peek())) this.#at += 1;
    const isDate = /^\d{4}-\d\d-\d\d$/.test(this.#text.slice(start, this.#at));
    if (isDate && /^ \d\d:/.test(this.#text.slice(this.#at, this.#at + 4))) {
      this.#at += 1;
      while (this.#at < this.#text.length && !/[,\]}\s#]/.test(this.#peek())) this.#at += 1;
    }
  }

  #array(path: FieldPath, nesting: number): void {
    this.#at += 1;
    for (let index = 0; ; index += 1) {
      this.#skipBlank(true);
      if (this.#at >= this.#text.length) return;
      if (this.#peek() === ']') break;
      const before = this.#at;
      const itemPath = [...path, index];
      this.#note(itemPath, this.#at, this.#at);
      this.#value(itemPath, nesting);
      this.#skipBlank(true);
      if (this.#peek() === ',') this.#at += 1;
      if (this.#at === before) return;
    }
    this.#at += 1;
  }

  #inlineTable(path: FieldPath, nesting: number): void {
    this.#at += 1;
    for (;;) {
      this.#skipBlank(true);
      if (this.#at >= this.#text.length) return;
      if (this.#peek() === '}') break;
      const before = this.#at;
      this.#pair(path, nesting);
      this.#skipBlank(true);
      if (this.#peek() === ',') this.#at += 1;
      if (this.#at === before) return;
    }
    this.#at += 1;
  }

  /** Passes over any of the four kinds of strings. */
  #string(): void {
    const quote = this.#peek();
    const isBasic = quote === '"';
    const isLong = this.#text.startsWith(quote.repeat(3), this.#at);
    this.#at += isLong ? 3 : 1;
    while (this.#at < this.#text.length) {
      const char = this.#peek();
      if (isBasic && char === '\\') this.#at += 2;
      else if (!isLong && char === '\n') return;
      else if (isLong && this.#text.startsWith(quote.repeat(3), this.#at)) {
        this.#at += 3;
        // Up to two quotes before the closing three belong to the string.
        for (let extra = 0; extra < 2 && this.#peek() === quote; extra += 1) this.#at += 1;
        return;
      } else {
        this.#at += 1;
        if (!isLong && char === quote) return;
      }
    }
  }

  /** Passes over blanks, and over comments and line ends too where these may stand. */
  #skipBlank(overLines: boolean): void {
    for (;;) {
      const char = this.#peek();
      if (char === ' ' || char === '\t') this.#at += 1;
      else if (overLines && (char === '\n' || char === '\r')) this.#at += 1;
      else if (overLines && char === '#') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end < 0 ? this.#text.length : end;
      } else return;
    }
  }
}

/** A quoted key without its quotes and escapes. */
function decodeKey(quoted: string): string {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith("'")) return inner;
  const short: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\x1b' };
  return inner.replace(
    /\\(?:x(..)|u(.{4})|U(.{8})|(.))/gs,
    (_, two?: string, four?: string, eight?: string, one?: string) => {
      const hex = two ?? four ?? eight;
      if (hex === undefined) return short[one ?? ''] ?? one ?? '';
      const code = Number.parseInt(hex, 16);
      return code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '';
    },
  );
}
