/** The dashboard in a real browser, against a real agent. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { execa } from 'execa';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeDashboard, pageAt, rowOf, secret, type Dashboard } from '../support/dashboard-fixture.js';
import { eventually } from '../support/eventually.js';
import { forgetHistory, writeEvents } from '../support/history.js';
import {
  editorText,
  findFaults,
  focusedRow,
  isMarked,
  mark,
  observeRow,
  overflow,
  rowHistory,
} from '../support/in-page.js';
import { podman, root } from '../support/test-home.js';

let dashboard: Dashboard;
let context: BrowserContext;

beforeAll(async () => {
  dashboard = await makeDashboard();
  context = await dashboard.open({ viewport: { width: 1400, height: 900 } });
});

afterEach(() => {
  expect(dashboard.complaints).toEqual([]);
});

afterAll(async () => {
  await dashboard.dispose();
});

const at = (hash: string): Promise<Page> => pageAt(context, `${dashboard.url}${hash}`);
const phaseOf = (page: Page, key: string) => rowOf(page, key).getAttribute('data-phase');

describe('the overview', () => {
  it('is a readable table without JavaScript', async () => {
    const plain = await dashboard.open({ javaScriptEnabled: false });
    const page = await plain.newPage();
    await page.goto(dashboard.url);
    expect(await page.locator('tbody tr').count()).toBe(3);
    expect(await page.locator('main').innerText()).toContain('3 components');
    await plain.close();
  });

  it('opens on what is broken, with its last exit and its last words', async () => {
    const page = await at('');
    const card = page.locator('.card', { hasText: 'broken' });
    await card.locator('dd', { hasText: 'code 3' }).waitFor();
    await card.getByText('no database').first().waitFor();
    await card.getByRole('button', { name: 'Roll back…' }).waitFor();
    await page.close();
  });

  it('turns and heals a row whose container is killed, within a second and without a reload', async () => {
    const page = await at('');
    await rowOf(page, 'shop/web').locator('[class*=tone-good]').waitFor();
    await mark(page);
    await observeRow(page, 'shop/web');
    const beganMs = Date.now();
    await podman('kill', `${dashboard.home.prefix}shop-web`);
    const killedMs = Date.now();
    const times = await eventually(
      async () => {
        const seen = await rowHistory(page);
        const first = seen.findIndex(({ text }) => /exited|starting/.test(text));
        const after = seen.slice(first).find(({ phase, text }) => phase === 'running' && /local\S*\d+ s1/.test(text));
        return first < 0 || after === undefined ? null : ([seen[first]?.at ?? 0, after.at] as const);
      },
      { timeoutMs: 20_000, describe: 'the row turns and heals' },
    );
    const [turned, healed] = times!;
    expect(turned).toBeGreaterThan(beganMs);
    expect(turned - killedMs).toBeLessThan(1_000);
    expect(healed - killedMs).toBeLessThan(2_000);
    expect(await isMarked(page)).toBe(true);
    await page.close();
  });

  it('catches up by itself when the agent was away', async () => {
    const page = await at('');
    await mark(page);
    await dashboard.agent().stop();
    await page.locator('.banner').waitFor();
    expect(await page.locator('.live').innerText()).toMatch(/^stale/);
    await dashboard.home.berth('stop', 'shop/web');
    await dashboard.startAgent();
    await page.locator('.live.live').waitFor();
    await eventually(async () => (await phaseOf(page, 'shop/web')) === 'stopped', { timeoutMs: 15_000 });
    await dashboard.home.berth('start', 'shop/web');
    await eventually(async () => (await phaseOf(page, 'shop/web')) === 'running', { timeoutMs: 15_000 });
    expect(await page.locator('.banner').count()).toBe(0);
    expect(await isMarked(page)).toBe(true);
    await page.close();
  });

  it('begins anew by itself when what it missed is no longer kept', async () => {
    const page = await at('');
    await mark(page);
    const refused: number[] = [];
    page.on('response', (response) => {
      if (response.url().includes('/v1/watch')) refused.push(response.status());
    });
    await dashboard.agent().stop();
    await page.locator('.banner').waitFor();
    await dashboard.home.berth('stop', 'shop/web');
    await writeEvents(dashboard.home, 'shop/db', 3);
    await forgetHistory(dashboard.home);
    await dashboard.startAgent();
    await page.locator('.live.live').waitFor();
    await eventually(async () => (await phaseOf(page, 'shop/web')) === 'stopped', { timeoutMs: 15_000 });
    expect(refused).toContain(410);
    await dashboard.home.berth('start', 'shop/web');
    await eventually(async () => (await phaseOf(page, 'shop/web')) === 'running', { timeoutMs: 15_000 });
    expect(await page.locator('.banner').count()).toBe(0);
    expect(await isMarked(page)).toBe(true);
    await page.close();
  });

  it('filters by words and by how components stand', async () => {
    const page = await at('');
    await page.keyboard.press('/');
    await page.keyboard.type('db');
    await eventually(async () => (await page.locator('tr[data-key]').count()) === 1);
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.getByRole('button', { name: /^Broken/ }).click();
    await eventually(async () => (await page.locator('tr[data-key]').count()) === 1);
    await rowOf(page, 'shop/broken').waitFor();
    await page.close();
  });

  it('is used by the keyboard alone', async () => {
    const page = await at('');
    await rowOf(page, 'shop/db').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const focused = (): Promise<string | null> => focusedRow(page);
    for (let step = 0; step < 10 && (await focused()) !== 'shop/db'; step += 1) await page.keyboard.press('j');
    expect(await focused()).toBe('shop/db');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'shop/db' }).waitFor();
    await page.keyboard.press('e');
    await page.getByLabel('Definition').last().waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.getByRole('heading', { level: 1, name: 'Drift' }).waitFor();
    await page.close();
  });
});

describe('drift', () => {
  it('shows both values of what is held; accepts one, heals another', async () => {
    const page = await at('#/component/shop/db');
    await page.getByLabel('Mode').selectOption('observe');
    await page.getByText('shop/db is in mode observe').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await podman('update', '--memory', '48m', `${dashboard.home.prefix}shop-db`);
    const memory = page.locator('.drift', { hasText: 'memory_mb' });
    await memory.getByText('48 MiB', { exact: true }).waitFor();
    await memory.getByText('32 MiB', { exact: true }).waitFor();
    await memory.getByRole('button', { name: 'Accept…' }).click();
    await page.getByRole('dialog').getByText('memory_mb').last().waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Accept', exact: true }).click();
    await memory.waitFor({ state: 'detached' });
    expect((await dashboard.home.berth('export', 'shop')).stdout).toContain('memory_mb = 48');
    await podman('kill', `${dashboard.home.prefix}shop-db`);
    const state = page.locator('section', { hasText: 'shop/db' }).locator('.drift', { hasText: 'state' });
    await state.getByText('reported only').waitFor();
    await state.getByRole('button', { name: 'Heal now' }).click();
    await state.waitFor({ state: 'detached' });
    await page.goto(dashboard.url);
    await eventually(async () => (await phaseOf(page, 'shop/db')) === 'running');
    await page.close();
  });
});

describe('a component', () => {
  it('shows where it is in its life, why, what it says, and what was changed', async () => {
    const page = await at('#/component/shop/broken');
    await page.locator('.m-here', { hasText: /backoff|starting|running/ }).waitFor();
    await page.locator('.log-line', { hasText: 'no database' }).first().waitFor();
    await page.getByText('Revision').first().waitFor();
    await page.getByLabel('Search the log').fill('nothing like it');
    await page.getByText(/^0 of \d+ lines/).waitFor();
    await page.close();
  });

  it('shows every line of its log that came, and why no more do', async () => {
    const page = await context.newPage();
    const line = (text: string) => ({ service: 'shop', component: 'db', at: noon, stream: 'stdout', text });
    const noon = '2026-01-31T12:00:00.041Z';
    const problem = { status: 503, code: 'E_DRIVER_UNREACHABLE', detail: 'podman is away', suggestion: 'look there' };
    const body = [line('one'), line('two'), problem].map((each) => JSON.stringify(each)).join('\n');
    await page.route('**/v1/components/shop/db/logs?*', (route) =>
      route.fulfill({ body: `${body}\n`, contentType: 'application/x-ndjson' }),
    );
    await page.goto(`${dashboard.url}#/component/shop/db`);
    await page.getByRole('alert').getByText('podman is away').waitFor();
    expect(await page.locator('.log-line').allInnerTexts()).toEqual([
      expect.stringMatching(/:00\.041 one$/),
      expect.stringMatching(/:00\.041 two$/),
    ]);
    await page.close();
  });
});

describe('the editor', () => {
  const content = (page: Page) => page.locator('.cm-content');
  const put = async (page: Page, from: string, to: string): Promise<void> => {
    await content(page).waitFor();
    await content(page).click();
    const text = await editorText(page);
    expect(text).toContain(from);
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text.replace(from, to));
  };

  it('names the line of what is wrong, and lets nobody apply it', async () => {
    const page = await at('#/edit/shop');
    await put(page, 'memory_mb = 64', 'memroy_mb = 64');
    await page.locator('.problems').getByText('memory_mb').first().waitFor();
    await page.locator('.cm-wrong-line').waitFor();
    expect(await page.getByRole('button', { name: 'Apply' }).isDisabled()).toBe(true);
    await page.close();
  });

  it('shows the plan as one types, and applies it with the reason', async () => {
    const page = await at('#/edit/shop');
    await put(page, 'memory_mb = 64', 'memory_mb = 80');
    await page.locator('.plan', { hasText: 'changed in place' }).getByText('80').waitFor();
    await page.getByLabel('Why it is changed').fill('from the page');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.locator('.plan', { hasText: 'Nothing would change' }).waitFor();
    const history = await dashboard.home.berth('history', 'shop', '-o', 'json');
    expect(history.stdout).toContain('from the page');
    expect(history.stdout).toContain('page:default');
    await page.close();
  });

  it('shows what somebody else changed meanwhile, and overwrites it only when told to', async () => {
    const page = await at('#/edit/shop');
    await put(page, 'memory_mb = 80', 'memory_mb = 96');
    await page.locator('.plan').getByText('96').waitFor();
    const sql = "update components set memory_mb = 72 where service = 'shop' and name = 'web'";
    await execa('sqlite3', ['-cmd', '.timeout 5000', join(dashboard.home.path, 'registry.db'), sql]);
    await page.locator('.notice', { hasText: 'changed meanwhile by sql' }).waitFor();
    await page.getByLabel('Overwrite what was changed meanwhile').waitFor();
    expect(await page.getByRole('button', { name: 'Apply' }).isDisabled()).toBe(true);
    await page.getByLabel('Overwrite what was changed meanwhile').check();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.locator('.plan', { hasText: 'Nothing would change' }).waitFor();
    expect((await dashboard.home.berth('export', 'shop')).stdout).toContain('memory_mb = 96');
    await page.close();
  });
});

describe('a new service', () => {
  const clear = async (page: Page, text: string): Promise<void> => {
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text);
  };

  it('is written, seen, and deleted after what goes with it was shown', async () => {
    const page = await at('#/new');
    await clear(page, dashboard.text);
    await page.locator('.notice', { hasText: 'There is a service shop already' }).waitFor();
    expect(await page.getByRole('button', { name: 'Apply' }).isDisabled()).toBe(true);
    const image = /image = "[^"]+"/.exec(dashboard.text)?.[0] ?? '';
    await clear(
      page,
      `name = "mail"\n\n[[components]]\nname = "relay"\n${image}\npull = "never"\nstop_timeout_s = 1\n`,
    );
    await page.locator('.plan', { hasText: 'mail/relay' }).getByText('is made').waitFor();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('heading', { level: 1, name: 'mail' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Overview' }).click();
    await eventually(async () => (await phaseOf(page, 'mail/relay')) === 'running', { timeoutMs: 15_000 });
    await page.goto(`${dashboard.url}#/edit/mail`);
    await page.getByRole('button', { name: 'Delete service…' }).click();
    await page.getByRole('dialog').getByText('relay').first().waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await rowOf(page, 'mail/relay').waitFor({ state: 'detached' });
    await page.close();
  });
});

const pages = {
  overview: '',
  drift: '#/drift',
  component: '#/component/shop/broken',
  edit: '#/edit/shop',
  new: '#/new',
  events: '#/events',
} as const;

describe('every page', () => {
  it('never holds a secret, nor does anything that it was told', async () => {
    const page = await context.newPage();
    const told: string[] = [];
    page.on('response', (response) => {
      if (!/event-stream|ndjson/.test(response.headers()['content-type'] ?? '')) {
        void response.text().then(
          (text) => told.push(text),
          () => undefined,
        );
      }
    });
    for (const hash of Object.values(pages)) {
      await page.goto(`${dashboard.url}${hash}`);
      await page.locator('h1').waitFor();
      await page.waitForLoadState('load');
      if (hash.startsWith('#/edit')) await page.locator('.cm-content', { hasText: 'DB_PASSWORD' }).waitFor();
      expect(await page.content()).not.toContain(secret);
      expect(await editorText(page)).not.toContain(secret);
    }
    expect(told.length).toBeGreaterThan(10);
    for (const text of told) expect(text).not.toContain(secret);
    await page.close();
  });

  it.each(['light', 'dark'] as const)('has nothing that axe finds, %s', async (colorScheme) => {
    const page = await at('');
    await page.emulateMedia({ colorScheme });
    for (const [name, hash] of Object.entries(pages)) {
      await page.goto(`${dashboard.url}${hash}`);
      await settled(page);
      expect(await findFaults(page, axe.source), name).toEqual([]);
    }
    await page.close();
  });

  it.each([360, 800, 1400])('fits into %i pixels, light and dark', async (width) => {
    const folder = join(root, '.ci', 'artifacts', 'dashboard');
    await mkdir(folder, { recursive: true });
    const page = await at('');
    await page.setViewportSize({ width, height: width < 500 ? 780 : 900 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [name, hash] of Object.entries(pages)) {
        await page.goto(`${dashboard.url}${hash}`);
        await settled(page);
        expect(await overflow(page), name).toBe(0);
        await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
    }
    await page.close();
  });
});

/** What the page shows first is there. */
async function settled(page: Page): Promise<void> {
  await page.locator('.live.live').waitFor();
  await page.waitForLoadState('load');
  const { hash } = new URL(page.url());
  if (hash.startsWith('#/edit') || hash === '#/new') await page.locator('.cm-line').first().waitFor();
  if (hash === '' || hash === '#/') await page.locator('tr[data-key]').first().waitFor();
}
