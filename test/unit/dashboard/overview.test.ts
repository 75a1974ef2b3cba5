import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml } from '../../../src/dashboard/server/escape.js';
import { renderOverview, type OverviewFacts } from '../../../src/dashboard/server/overview.js';
import { loadPages } from '../../../src/dashboard/server/pages.js';
import { viewOf } from './views.js';

const facts: OverviewFacts = {
  version: '0.1.0',
  home: 'here',
  scripts: ['/assets/main-1.js'],
  styles: ['/assets/main-1.css'],
  icon: '/assets/icon-1.svg',
};
const report = { revision: 7, agent: { pid: 1, since: '2026-01-31T12:00:00.000Z' } };

/** Names of all tags in a document. */
const tags = (html: string): ReadonlySet<string> =>
  new Set([...html.matchAll(/<\/?([a-z0-9]+)/g)].map((match) => match[1] ?? ''));

describe('escaping', () => {
  it('leaves nothing that ends a text or a value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"'`]|&(?!(?:amp|lt|gt|quot|#39|#96);)/);
      }),
    );
    expect(escapeHtml('a\u0000b\u001b[31m\n')).toBe('a\ufffdb\ufffd[31m\n');
  });
});

describe('the overview of the server', () => {
  const html = renderOverview({ ...report, components: [viewOf('shop/web'), viewOf('shop/db')] }, facts);

  it('is a whole document with a table of all components', () => {
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain('lang="en"');
    expect(html.match(/<tr data-standing/g)).toHaveLength(2);
    expect(html).toContain('2 components · 2 running');
  });

  it('needs no inline script and no inline style', () => {
    expect(html).not.toMatch(/<style| style=| on[a-z]+=/);
    for (const script of html.match(/<script[^>]*>[^<]*/g) ?? []) expect(script).toMatch(/src="\/assets\/[^"]+">$/);
  });

  it('puts what is worst first', () => {
    const broken = [viewOf('a/fine'), viewOf('z/bad', { phase: 'failed' })];
    const text = renderOverview({ ...report, components: broken }, facts);
    expect(text.indexOf('bad')).toBeLessThan(text.indexOf('fine'));
  });

  it('says what runs out before the table, worst first, and nothing of what does not', () => {
    const check = { area: 'holds', name: 'shop/web', ok: false, detail: 'held', remedy: 'let go' };
    const outlook = [
      { ...check, level: 'warning' },
      { ...check, area: 'disk', name: '/var', level: 'error', detail: 'full <b>', remedy: null },
      { ...check, area: 'memory', name: 'memory', ok: true, level: 'ok', remedy: null },
    ] as const;
    const text = renderOverview({ ...report, components: [viewOf('shop/web')] }, facts, outlook);
    const lines = [...text.matchAll(/<li>.*<\/li>/g)].map(([line]) => line.replace(/<[^>]+>/g, ''));
    expect(lines).toEqual(['Disk /var full &lt;b&gt;', 'Held shop/web held let go']);
    expect(text.indexOf('What runs out')).toBeLessThan(text.indexOf('<table'));
    expect(html).not.toContain('What runs out');
  });

  it('says so when no agent serves', () => {
    expect(renderOverview({ ...report, agent: null, components: [] }, facts)).toContain('no agent serves');
  });

  it('has no tag but its own, whatever names and messages hold', () => {
    const told = { area: 'a', name: 'n', ok: false, level: 'error', detail: 'd', remedy: 'r' } as const;
    const own = tags(renderOverview({ ...report, components: [viewOf('shop/web')] }, facts, [told]));
    const hostile = fc.oneof(fc.string(), fc.constant('</td><script>alert(1)</script>'), fc.constant('"><img src=x>'));
    fc.assert(
      fc.property(hostile, hostile, (name, message) => {
        const component = { ...viewOf('shop/web'), component: name, service: message, message };
        const outlook = [
          { area: name, name: message, ok: false, level: 'error', detail: name, remedy: message },
        ] as const;
        const text = renderOverview({ ...report, components: [component] }, { ...facts, home: message }, outlook);
        for (const tag of tags(text)) expect(own).toContain(tag);
      }),
    );
  });

  it('stays of a size that a browser can hold', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => viewOf(`shop/c${index}`));
    const text = renderOverview({ ...report, components: many }, facts);
    expect(text.match(/<tr data-standing/g)).toHaveLength(2_000);
    expect(text).toContain('1000 more components');
  });
});

describe('the pages', () => {
  it('are the table alone where the dashboard was not built', () => {
    const pages = loadPages({ folder: '/nowhere', version: '1', home: 'h' });
    expect(pages.overview({ ...report, components: [viewOf('shop/web')] })).not.toContain('<script');
    expect(pages.asset('/assets/main.js')).toBeUndefined();
  });

  it('have no way out of their folder', () => {
    const pages = loadPages({
      folder: new URL('../../../dist/dashboard', import.meta.url).pathname,
      version: '1',
      home: 'h',
    });
    for (const path of ['/assets/../.vite/manifest.json', '/assets/', '/etc/passwd', '/assets/__proto__']) {
      expect(pages.asset(path)).toBeUndefined();
    }
  });
});
