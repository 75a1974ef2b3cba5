/** What a component uses, on its page: real figures of a real agent, and a day before them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { execa } from 'execa';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { usageStepMs, usageStepOf } from '../../src/core/usage.js';
import { makeDashboard, pageAt, type Dashboard } from '../support/dashboard-fixture.js';
import { eventually } from '../support/eventually.js';
import { findFaults, overflow } from '../support/in-page.js';
import { root } from '../support/test-home.js';

let dashboard: Dashboard;
let context: BrowserContext;

beforeAll(async () => {
  dashboard = await makeDashboard({ settings: { BERTH_USAGE_SAMPLE_S: '1' } });
  context = await dashboard.open({ viewport: { width: 1400, height: 900 } });
  await rememberADay();
  await eventually(
    async () => /\d+\.\d MiB +64 MiB/.exec((await dashboard.home.berth('usage', 'shop/web')).stdout) !== null,
    { timeoutMs: 15_000, everyMs: 200, describe: 'the agent has looked' },
  );
});

afterEach(() => {
  expect(dashboard.complaints).toEqual([]);
});

afterAll(async () => {
  await dashboard.dispose();
});

/** Of web: nothing between eight and six hours ago, as of an agent that was down. */
async function rememberADay(): Promise<void> {
  const now = usageStepOf(Date.now());
  const rows: string[] = [];
  for (let before = 280; before >= 2; before -= 1) {
    if (before > 72 && before < 96) continue;
    const wave = Math.sin(before / 20);
    const bytes = (30 + 8 * wave) * 1_048_576;
    const peak = Math.round(bytes * 1.2);
    const cpu = 20 + 15 * wave;
    rows.push(
      `(${String(now - before * usageStepMs)}, 'shop', 'web', ${String(bytes)}, ${String(peak)}, ${String(cpu)}, 10)`,
    );
  }
  const file = join(dashboard.home.path, 'registry.db');
  await execa('sqlite3', ['-cmd', '.timeout 5000', file, `insert into usage values ${rows.join(', ')}`]);
}

const at = (hash: string): Promise<Page> => pageAt(context, `${dashboard.url}${hash}`);
const chart = (page: Page, name: RegExp) => page.getByRole('slider', { name });
const memory = /^Memory: /;
const processor = /^Processor, of one core: /;

describe('the charts of a component', () => {
  it('say what is used, on average, at most, and the limit', async () => {
    const page = await at('#/component/shop/web');
    const words = await chart(page, memory).getAttribute('aria-label');
    expect(words).toMatch(/^Memory: [\d.]+ MiB now; in 24 hours \d+ MiB on average, at most \d+ MiB; limit 64 MiB$/);
    expect(await chart(page, processor).getAttribute('aria-label')).toMatch(
      /in 24 hours \d+ % on average, at most 35 %/,
    );
    await page.locator('.usage-scale', { hasText: 'limit 64 MiB' }).waitFor();
    await page.close();
  });

  it('draw nothing where nothing is known', async () => {
    const page = await at('#/component/shop/web');
    for (const name of [memory, processor]) {
      const line = await chart(page, name).locator('.u-mean').getAttribute('d');
      expect(line?.split('M').length).toBeGreaterThanOrEqual(3);
    }
    await page.close();
  });

  it('tell time and value below the pointer, and by the keys', async () => {
    const page = await at('#/component/shop/web');
    const figure = page.locator('figure.usage', { hasText: 'Memory' });
    const told = figure.locator('figcaption');
    await chart(page, memory).hover({ position: { x: 100, y: 40 } });
    await told.getByText(/\d\d:\d\d: \d+ MiB, at most \d+ MiB/).waitFor();
    // Seven hours ago.
    const width = (await chart(page, memory).boundingBox())?.width ?? 0;
    await chart(page, memory).hover({ position: { x: (width * 17) / 24, y: 40 } });
    await told.getByText(/\d\d:\d\d: no figures/).waitFor();
    await page.mouse.move(0, 0);
    await told.getByText('on average').waitFor();
    await chart(page, memory).focus();
    await page.keyboard.press('Home');
    const first = await told.getByText(/\d\d:\d\d: /).innerText();
    await page.keyboard.press('ArrowRight');
    await eventually(async () => (await told.innerText()) !== first && (await told.getByText(/: /).count()) === 1);
    // What a screen reader says.
    expect(await chart(page, memory).getAttribute('aria-valuetext')).toMatch(/^\d\d:\d\d: \d+ MiB/);
    await page.keyboard.press('Escape');
    await told.getByText('on average').waitFor();
    await page.close();
  });

  it('are asked for again after a minute, and not before', async () => {
    // A clock that is moved is that of every page of its context.
    const apart = await dashboard.open();
    const page = await apart.newPage();
    await page.clock.install();
    let asked = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/usage')) asked += 1;
    });
    await page.goto(`${dashboard.url}#/component/shop/web`);
    await chart(page, memory).waitFor();
    expect(asked).toBe(1);
    await page.clock.runFor(40_000);
    expect(asked).toBe(1);
    await page.clock.runFor(40_000);
    await eventually(() => asked === 2);
    await apart.close();
  });

  it('are not there before there are figures', async () => {
    const file = join(dashboard.home.path, 'late.toml');
    await writeFile(
      file,
      'name = "late"\n[[components]]\nname = "one"\nimage = "localhost/not-there:1"\npull = "never"\n',
    );
    await dashboard.home.berth('apply', '-f', file);
    const page = await at('#/component/late/one');
    await page.getByText('No figures yet.').waitFor();
    expect(await page.locator('figure.usage').count()).toBe(0);
    await page.close();
  });

  it.each([360, 1400])('fit into %i pixels, light and dark, and axe finds nothing', async (width) => {
    const folder = join(root, '.ci', 'artifacts', 'dashboard');
    await mkdir(folder, { recursive: true });
    const page = await at('#/component/shop/web');
    await page.setViewportSize({ width, height: width < 500 ? 780 : 900 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await chart(page, memory).waitFor();
      expect(await overflow(page)).toBe(0);
      expect(await findFaults(page, axe.source)).toEqual([]);
      await page.screenshot({ path: join(folder, `usage-${width}-${colorScheme}.png`), fullPage: true });
    }
    await page.close();
  });
});
