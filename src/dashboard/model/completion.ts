/** What may stand at a place of a definition, from its JSON Schema. Pure. */

/** As much of a JSON Schema as is looked at. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

export interface Proposal {
  /** What is shown. */
  readonly label: string;
  /** What is written. */
  readonly insert: string;
  readonly detail: string;
  readonly kind: 'key' | 'value' | 'table';
}

export interface Proposals {
  /** Where the word begins that is completed; characters from the beginning of the text. */
  readonly from: number;
  readonly items: readonly Proposal[];
}

/** For the text before the cursor; null: nothing is known there. */
export function proposalsAt(before: string, schema: Schema): Proposals | null {
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = before.slice(lineStart);
  const tables = before.slice(0, lineStart);
  const header = /^\s*(\[\[?[a-z_.]*)$/.exec(line);
  if (header !== null) return { from: before.length - (header[1] ?? '').length, items: headers(schema) };
  const key = /^\s*([a-z_]*)$/.exec(line);
  const table = tableAt(tables);
  const scope = schemaOf(schema, table);
  if (key !== null) {
    return { from: before.length - (key[1] ?? '').length, items: keysOf(scope, keysSet(tables)) };
  }
  const assigned = /^\s*([a-z_]+)\s*=\s*("?[a-z-]*)$/.exec(line);
  const values = valuesOf(scope?.properties?.[assigned?.[1] ?? '']);
  if (assigned === null || values.length === 0) return null;
  return { from: before.length - (assigned[2] ?? '').length, items: values };
}

/** The path of the table that a text ends in: `[[components]]` and what is below it. */
function tableAt(text: string): readonly string[] {
  const found = [...text.matchAll(/^\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?/gm)].at(-1);
  return found === undefined ? [] : (found[1] ?? '').split('.');
}

/** The keys that stand in that table already. */
function keysSet(text: string): ReadonlySet<string> {
  const body = text.slice(Math.max(0, text.search(/\n\s*\[[^\n]*\n(?![\s\S]*\n\s*\[)/) + 1));
  return new Set([...body.matchAll(/^\s*([a-z_]+)\s*=/gm)].map((match) => match[1] ?? ''));
}

function schemaOf(schema: Schema, path: readonly string[]): Schema | undefined {
  return path.reduce<Schema | undefined>((scope, name) => {
    const next = scope?.properties?.[name];
    return next?.items ?? next;
  }, schema);
}

function keysOf(scope: Schema | undefined, present: ReadonlySet<string>): readonly Proposal[] {
  return Object.entries(scope?.properties ?? {})
    .filter(([name]) => !present.has(name))
    .map(([name, of]) => ({
      label: name,
      insert: `${name} = ${opening(of)}`,
      detail: of.description ?? '',
      kind: 'key',
    }));
}

/** What a value begins with. */
function opening(of: Schema): string {
  if (of.type === 'array') return '[';
  if (of.type === 'object') return '{ ';
  return of.type === 'string' ? '"' : '';
}

function valuesOf(of: Schema | undefined): readonly Proposal[] {
  const values = of?.enum ?? (of?.type === 'boolean' ? [true, false] : of?.const === undefined ? [] : [of.const]);
  return values.map((value) => ({
    // With its quotes, for what is typed of them is looked for in it.
    label: JSON.stringify(value),
    insert: JSON.stringify(value),
    detail: '',
    kind: 'value',
  }));
}

function headers(schema: Schema): readonly Proposal[] {
  const components = schema.properties?.['components'];
  const below = Object.entries(components?.items?.properties ?? {})
    .filter(([, of]) => of.type === 'object')
    .map(([name, of]) => ({ name: `[components.${name}]`, detail: of.description ?? '' }));
  return [{ name: '[[components]]', detail: components?.description ?? '' }, ...below].map(({ name, detail }) => ({
    label: name,
    insert: name,
    detail,
    kind: 'table',
  }));
}
