/** The API as a page for people: made from the OpenAPI document, with nothing that a browser would have to load. Pure. */
import { createHash } from 'node:crypto';
import { plainPageHeaders } from './auth/security-headers.js';
import type { OpenApiDocument, Operation } from './openapi.js';

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; }
section { border-top: 1px solid #8884; padding: .5rem 0 1rem; }
h2 { font-size: 1rem; margin: .5rem 0; overflow-wrap: anywhere; }
b { display: inline-block; min-width: 4.5rem; }
pre { overflow: auto; padding: .6rem; background: #8881; font-size: .85rem; }
.write { border: 1px solid; border-radius: .3rem; padding: 0 .3rem; font-size: .75rem; }
`;

const styleHash = createHash('sha256').update(style).digest('base64');

export function docsPage(document: OpenApiDocument): {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
} {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(method, path, operation)),
  );
  const schemas = (document as { readonly components?: { readonly schemas?: Record<string, unknown> } }).components
    ?.schemas;
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>API of Berth</title><style>${style}</style></head><body>
<h1>API of Berth ${escapeHtml(document.info.version)}</h1>
<p>${escapeHtml(document.info.description)} The same for programs: <a href="/openapi.json">/openapi.json</a>.
Failures are problem documents (RFC 9457) with the code of the error and what to do next.</p>
${operations.join('\n')}
<h1>Schemas</h1>
${Object.entries(schemas ?? {})
  .map(
    ([name, schema]) =>
      `<details id="${escapeHtml(name)}"><summary>${escapeHtml(name)}</summary>${json(schema)}</details>`,
  )
  .join('\n')}
</body></html>
`;
  return { html, headers: plainPageHeaders(styleHash) };
}

function section(method: string, path: string, operation: Operation): string {
  const { operationId, summary, parameters, requestBody, responses } = operation as Operation & {
    readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: unknown }[];
    readonly requestBody?: { readonly content: Record<string, { readonly schema: unknown }> };
    readonly responses: Record<string, { readonly content: Record<string, { readonly schema: unknown }> }>;
  };
  const mark = operation['x-access'] === 'write' ? ' <span class="write">write</span>' : '';
  const rows = (parameters ?? []).map(
    (one) => `<li><code>${escapeHtml(one.name)}</code> (${escapeHtml(one.in)}) ${inline(one.schema)}</li>`,
  );
  const body = Object.values(requestBody?.content ?? {}).map(({ schema }) => details('Body', schema));
  const answers = Object.entries(responses['200']?.content ?? {}).map(([type, { schema }]) =>
    details(`Answer: ${type}`, schema),
  );
  return `<section id="${escapeHtml(operationId)}"><h2><b>${method.toUpperCase()}</b> ${escapeHtml(path)}${mark}</h2>
<p>${escapeHtml(summary)}</p>${rows.length === 0 ? '' : `<ul>${rows.join('')}</ul>`}
${[...body, ...answers].join('\n')}</section>`;
}

function details(title: string, schema: unknown): string {
  return `<details><summary>${escapeHtml(title)}</summary>${json(schema)}</details>`;
}

function json(value: unknown): string {
  const text = escapeHtml(JSON.stringify(value, null, 2));
  // Names of schemas lead to them.
  const linked = text.replace(
    /&quot;#\/components\/schemas\/(\w+)&quot;/g,
    (_, name: string) => `<a href="#${name}">${name}</a>`,
  );
  return `<pre>${linked}</pre>`;
}

function inline(schema: unknown): string {
  const { description, ...rest } = schema as { readonly description?: string };
  const words = description === undefined ? '' : ` ${escapeHtml(description)}`;
  return `<code>${escapeHtml(JSON.stringify(rest))}</code>${words}`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
