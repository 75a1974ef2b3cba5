/** Changes that somebody makes in the dashboard are the ones that they meant: in a real browser, against a real agent. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeDashboard, pageAt, type Dashboard } from '../support/dashboard-fixture.js';
import { eventually } from '../support/eventually.js';
import { editorText } from '../support/in-page.js';

let dashboard: Dashboard;
let context: BrowserContext;

beforeAll(async () => {
  dashboard = await makeDashboard();
  context = await dashboard.open({ viewport: { width: 1400, height: 900 } });
});

afterEach(async () => {
  for (const page of context.pages()) await page.close();
  expect(dashboard.complaints).toEqual([]);
});

afterAll(async () => {
  await dashboard.dispose();
});

const at = (hash: string): Promise<Page> => pageAt(context, `${dashboard.url}${hash}`);

/** The paths that the page posts to from now on. */
function postsOf(page: Page): readonly string[] {
  const posts: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') posts.push(new URL(request.url()).pathname.replace(/.*\//, ''));
  });
  return posts;
}

/** Deploys what is deployed with another limit of memory, as somebody else. */
async function deploy(memoryMb: number): Promise<void> {
  const path = join(dashboard.home.path, 'other.toml');
  await writeFile(path, dashboard.text.replace('memory_mb = 64', `memory_mb = ${memoryMb}`));
  const applied = await dashboard.home.berth('apply', '-f', path, '--force');
  expect(applied.stderr + String(applied.exitCode)).toBe('0');
}

const exported = async (): Promise<string> => (await dashboard.home.berth('export', 'shop')).stdout;

describe('a button', () => {
  const named = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

  beforeEach(async () => {
    expect((await dashboard.home.berth('start', 'shop/web')).exitCode).toBe(0);
  });

  it('that is pressed twice at once does it once', async () => {
    const page = await at('#/component/shop/web');
    const posts = postsOf(page);
    const restart = named(page, 'Restart');
    await restart.waitFor();
    await page.evaluate(`
      const restart = [...document.querySelectorAll('button')].find((each) => each.textContent === 'Restart');
      restart.click();
      restart.click();
    `);
    await page.getByText('shop/web is restarted').waitFor();
    await eventually(() => restart.isEnabled());
    expect(posts).toEqual(['restart']);
  });

  it('that means the opposite by then is not pressed by the second half of a double click', async () => {
    const page = await at('#/component/shop/web');
    const posts = postsOf(page);
    await named(page, 'Stop').waitFor();
    await page.evaluate(`new Promise((done) => {
      const named = (name) => [...document.querySelectorAll('button')].find((each) => each.textContent === name);
      const stop = named('Stop');
      new MutationObserver((_changes, observer) => {
        if (named('Start') === undefined) return;
        observer.disconnect();
        named('Start').click();
        done();
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
      stop.click();
    })`);
    const start = named(page, 'Start');
    await eventually(() => start.isEnabled());
    expect(posts).toEqual(['stop']);
    await start.click();
    await named(page, 'Stop').waitFor();
    expect(posts).toEqual(['stop', 'start']);
  });

  it('is pressed once by a key that is held', async () => {
    const page = await at('#/component/shop/web');
    const posts = postsOf(page);
    const restart = named(page, 'Restart');
    await restart.focus();
    await page.keyboard.down('Enter');
    await page.getByText('shop/web is restarted').waitFor();
    await eventually(() => restart.isEnabled());
    await restart.focus();
    await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    // What that did shows within two frames.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    await eventually(() => restart.isEnabled());
    await restart.press('Enter');
    await eventually(async () => posts.length > 1 && (await restart.isEnabled()));
    expect(posts).toEqual(['restart', 'restart']);
  });
});

describe('what is typed', () => {
  const put = async (page: Page, from: RegExp, to: string): Promise<void> => {
    const content = page.locator('.cm-content');
    await content.waitFor();
    await content.click();
    const text = await editorText(page);
    expect(text).toMatch(from);
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text.replace(from, to));
  };
  const apply = (page: Page) => page.getByRole('button', { name: 'Apply' });
  const overview = (page: Page) => page.getByRole('link', { name: 'Overview' }).click();
  const isUnchanged = (page: Page) => page.locator('.plan', { hasText: 'Nothing would change' }).waitFor();

  beforeEach(() => deploy(64));

  it('while something is applied stays, as a change of that', async () => {
    const page = await at('#/edit/shop');
    await put(page, /memory_mb = 64/, 'memory_mb = 80');
    await page.locator('.plan').getByText('80').waitFor();
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/v1/services/shop', async (route) => {
      if (route.request().method() !== 'PUT') return route.fallback();
      const response = await route.fetch();
      await answered;
      return route.fulfill({ response });
    });
    await apply(page).click();
    await eventually(async () => (await exported()).includes('memory_mb = 80'), { timeoutMs: 15_000 });
    await put(page, /memory_mb = 80/, 'memory_mb = 88');
    answer();
    await page.getByText('shop is applied').waitFor();
    await page.locator('.plan').getByText('88').waitFor();
    expect(await editorText(page)).toContain('memory_mb = 88');
    await overview(page);
    await page.goto(`${dashboard.url}#/edit/shop`);
    await page.locator('.plan').getByText('88').waitFor();
    expect(await page.locator('.notice').count()).toBe(0);
    await apply(page).click();
    await isUnchanged(page);
    expect(await exported()).toContain('memory_mb = 88');
  });

  it('is no draft any more once it was applied', async () => {
    const page = await at('#/edit/shop');
    await put(page, /memory_mb = 64/, 'memory_mb    =    90');
    await page.locator('.plan').getByText('90').waitFor();
    await apply(page).click();
    await isUnchanged(page);
    await eventually(async () => (await editorText(page)).includes('memory_mb = 90'));
    await overview(page);
    await deploy(72);
    await page.goto(`${dashboard.url}#/edit/shop`);
    await isUnchanged(page);
    await eventually(async () => (await editorText(page)).includes('memory_mb = 72'));
  });

  it('and was left says so when the service was changed since', async () => {
    const page = await at('#/edit/shop');
    await put(page, /memory_mb = 64/, 'memory_mb = 96');
    await overview(page);
    await deploy(76);
    await page.goto(`${dashboard.url}#/edit/shop`);
    await page.locator('.notice', { hasText: 'before shop was changed' }).waitFor();
    await eventually(async () => (await editorText(page)).includes('memory_mb = 96'));
    await page.getByRole('button', { name: 'Take theirs' }).click();
    await isUnchanged(page);
    expect(await editorText(page)).toContain('memory_mb = 76');
    expect(await page.locator('.notice').count()).toBe(0);
  });
});

describe('a plan in a question', () => {
  it('is not carried out when it is another by then, and is shown anew', async () => {
    const page = await at('#/component/shop/web');
    await page.getByRole('button', { name: 'Roll back…' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('memory_mb').waitFor();
    await deploy(104);
    await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
    await page.locator('.toast', { hasText: 'E_CONFLICT' }).waitFor();
    expect(await exported()).toContain('memory_mb = 104');
    await dialog.getByText('104').waitFor();
    await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await exported()).not.toContain('memory_mb = 104');
  });
});
