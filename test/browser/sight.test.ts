/** Many pages at once: those that nobody sees leave the browser's connections to the one that is looked at. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeDashboard, pageAt, rowOf, type Dashboard } from '../support/dashboard-fixture.js';
import { eventually } from '../support/eventually.js';
import { isMarked, mark } from '../support/in-page.js';

/** More than a browser has connections to one address. */
const many = 7;

let dashboard: Dashboard;
let context: BrowserContext;

beforeAll(async () => {
  dashboard = await makeDashboard();
  context = await dashboard.open({ viewport: { width: 1400, height: 900 } });
  await context.clock.install();
});

afterAll(async () => {
  await dashboard.dispose();
});

/** As the browser does when another page comes before this one. */
async function show(page: Page, isShown: boolean): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, 'hidden', { value: ${String(!isShown)}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
}

it('opens as many pages as one likes, and each goes on by itself when it is looked at again', async () => {
  const ended = new Set<Page>();
  const pages: Page[] = [];
  for (let index = 0; index < many; index += 1) {
    const page = await pageAt(context, `${dashboard.url}#/component/shop/db`);
    pages.push(page);
    await mark(page);
    page.on('requestfailed', (request) => {
      if (request.url().includes('/v1/watch')) ended.add(page);
    });
    await show(page, false);
    // A look elsewhere is no reason to let go.
    await page.clock.fastForward(5_000);
    expect(ended.has(page)).toBe(false);
    await page.clock.fastForward(30_000);
    await eventually(() => ended.has(page));
  }
  const [first] = pages;
  if (first === undefined) throw new Error('no page');
  expect(dashboard.complaints).toEqual([]);
  await dashboard.home.berth('stop', 'shop/web');
  await show(first, true);
  await first.locator('.live.live').waitFor();
  await first.goto(`${dashboard.url}#/`);
  await eventually(async () => (await rowOf(first, 'shop/web').getAttribute('data-phase')) === 'stopped', {
    timeoutMs: 15_000,
  });
  expect(await isMarked(first)).toBe(true);
});
