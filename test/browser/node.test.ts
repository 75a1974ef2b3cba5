/** What the overview says of the node, and what is shown while nothing is seen, against a real agent on a small disk. */
import axe from 'axe-core';
import { execa } from 'execa';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeDashboard, pageAt, rowOf, type Dashboard } from '../support/dashboard-fixture.js';
import { eventually } from '../support/eventually.js';
import { halt, podmanServiceOf } from '../support/halt.js';
import { findFaults, isMarked, mark, overflow } from '../support/in-page.js';
import { podman, type TestHome } from '../support/test-home.js';

/** Of the disk that holds the home, in mebibytes: less than what Berth calls too little. */
const diskMb = 96;

let dashboard: Dashboard;
let context: BrowserContext;
let path: string;

beforeAll(async () => {
  dashboard = await makeDashboard({
    settings: {
      ...{ BERTH_RELIST_S: '1', BERTH_PODMAN_LIST_TIMEOUT_S: '2' },
      // A service that hangs is to go on, and not to be replaced meanwhile.
      BERTH_PODMAN_REPLACE_SERVICE_S: '600',
    },
    prepare: async (home: TestHome) => {
      ({ path } = home);
      await execa('mount', ['-t', 'tmpfs', '-o', `size=${String(diskMb)}m`, 'tmpfs', path]);
    },
  });
  context = await dashboard.open({ viewport: { width: 1400, height: 900 } });
});

afterEach(() => {
  expect(dashboard.complaints).toEqual([]);
});

afterAll(async () => {
  await dashboard.dispose().catch(() => undefined);
  await execa('umount', ['--lazy', path], { reject: false });
  await execa('rm', ['-rf', '--one-file-system', path]);
});

const at = (hash: string): Promise<Page> => pageAt(context, `${dashboard.url}${hash}`);
const phaseOf = (page: Page, key: string) => rowOf(page, key).getAttribute('data-phase');
/** Lines of what runs out, without what the runtimes say that they lack. */
const outlook = (page: Page, text = '') => page.locator('section > .outlook > li', { hasText: text });

describe('what runs out', () => {
  it('begins with the disk that is nearly full, and says what to do', async () => {
    const page = await at('');
    const disk = outlook(page, path);
    await disk.waitFor();
    expect(await outlook(page).first().innerText()).toContain(path);
    expect(await disk.innerText()).toMatch(/^Disk \S+ \d+(\.\d)? MiB of 96\.0 MiB free \(\d+ %\); holds the registry/);
    expect(await disk.innerText()).toContain('berth gc');
    await disk.locator('.tone-bad').waitFor();
    expect(await findFaults(page, axe.source)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 780 });
    expect(await overflow(page)).toBe(0);
    await page.close();
  });

  it('is said without JavaScript, too', async () => {
    const plain = await dashboard.open({ javaScriptEnabled: false });
    const page = await plain.newPage();
    await page.goto(dashboard.url);
    expect(await outlook(page, path).innerText()).toMatch(/MiB free/);
    await plain.close();
  });

  it('tells a hold at once, with since when, by whom and why, until it is let go; and that nobody made a backup', async () => {
    const page = await at('');
    await outlook(page, 'never copied').waitFor();
    await mark(page);
    expect((await dashboard.home.berth('db', 'backup', `${path}/copy.db`)).exitCode).toBe(0);
    const { berth } = dashboard.home;
    const edit = async (mode: string): Promise<void> => {
      const sql = `update components set reconcile = '${mode}' where service = 'shop' and name = 'db'`;
      await execa('sqlite3', ['-cmd', '.timeout 5000', `${path}/registry.db`, sql]);
    };
    await edit('observe');
    const held = outlook(page, 'shop/db');
    await held.waitFor();
    expect(await held.innerText()).toMatch(/^Held shop\/db reconcile = "observe" since \d\d:\d\d:\d\d by sql/);
    await outlook(page, 'never copied').waitFor({ state: 'detached' });
    // What the runtimes said a moment ago is not asked of them again, and told with what was true then.
    await eventually(
      async () => {
        const doctor = await berth('doctor', '-o', 'json');
        expect(doctor.stdout).toContain('"area": "holds"');
        // Too little room on the disk of the registry is an error.
        expect(doctor.exitCode).toBe(1);
      },
      { timeoutMs: 30_000 },
    );
    await edit('auto');
    await held.waitFor({ state: 'detached' });
    expect(await isMarked(page)).toBe(true);
    await page.close();
  });

  it('shows what is held from the first as at rest, not as on its way', async () => {
    const text = dashboard.text
      .replace('name = "shop"', 'name = "idle"')
      .replaceAll('stop_timeout_s', 'reconcile = "observe"\nstop_timeout_s');
    await execa('tee', [`${path}/idle.toml`], { input: text });
    expect((await dashboard.home.berth('apply', '-f', `${path}/idle.toml`)).exitCode).toBe(0);
    const page = await at('');
    await outlook(page, 'idle/web').waitFor();
    await eventually(async () => (await phaseOf(page, 'idle/web')) === 'stopped');
    await rowOf(page, 'idle/web').getByText('not created').waitFor();
    expect(await page.locator('.card', { hasText: 'idle' }).count()).toBe(0);
    expect((await podman('ps', '-a', '--format', '{{.Names}}')).stdout).not.toContain(`${dashboard.home.prefix}idle`);
    expect((await dashboard.home.berth('delete', 'idle', '--yes')).exitCode).toBe(0);
    await rowOf(page, 'idle/web').waitFor({ state: 'detached' });
    await page.close();
  });
});

describe('a podman service that hangs', () => {
  it('makes what is shown unknown, with reason and age, apart from drift, until it goes on', async () => {
    const page = await at('#/component/shop/db');
    await page.getByLabel('Mode').selectOption('observe');
    await page.getByText('shop/db is in mode observe').waitFor();
    await page.goto(`${dashboard.url}#/drift`);
    await podman('update', '--memory', '48m', `${dashboard.home.prefix}shop-db`);
    await page.locator('.drift', { hasText: 'memory_mb' }).waitFor();
    expect(await page.locator('.unseen').count()).toBe(0);
    await mark(page);
    const service = await podmanServiceOf(dashboard.home);
    await halt(service);
    try {
      const unseen = page.locator('.unseen');
      await unseen.getByText('shop/web').waitFor();
      await unseen.getByText(/^podman last answered \d+ s ago: podman did not answer within/).waitFor();
      await unseen
        .locator('li', { hasText: 'shop/web' })
        .getByText(/last seen \d+ s ago/)
        .waitFor();
      await unseen.locator('li', { hasText: 'shop/web' }).getByText('last seen running').waitFor();
      const background = (selector: string): Promise<string> =>
        page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).backgroundImage`);
      expect(await background('.unseen')).toContain('repeating-linear-gradient');
      expect(await background('.drift')).toBe('none');
      expect(await findFaults(page, axe.source)).toEqual([]);
      await page.getByRole('link', { name: 'Overview' }).click();
      await eventually(async () => (await phaseOf(page, 'shop/web')) === 'unknown');
      await rowOf(page, 'shop/web').locator('.tone-unknown').waitFor();
    } finally {
      process.kill(service, 'SIGCONT');
    }
    await eventually(async () => (await phaseOf(page, 'shop/web')) === 'running', { timeoutMs: 20_000 });
    await page.getByRole('link', { name: /^Drift/ }).click();
    await page.locator('.drift', { hasText: 'memory_mb' }).waitFor();
    await page.locator('.unseen').waitFor({ state: 'detached' });
    expect(await podmanServiceOf(dashboard.home)).toBe(service);
    expect(await isMarked(page)).toBe(true);
    await page.close();
  });
});
