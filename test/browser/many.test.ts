/** A thousand components, told by a stand-in for the watch: only what changed is drawn, and only what is in sight. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeDashboard, rowOf, type Dashboard } from '../support/dashboard-fixture.js';
import { eventually } from '../support/eventually.js';
import { focusedRow } from '../support/in-page.js';
import { viewOf } from '../unit/dashboard/views.js';

let dashboard: Dashboard;
let context: BrowserContext;

const total = 1_000;
const names = Array.from({ length: total }, (_, index) => `shop/c${String(index).padStart(4, '0')}`);

/** In the page: an EventSource that says what the test tells it to, by `tell(name, data)`. */
const standIn = `
  globalThis.EventSource = class extends EventTarget {
    constructor() {
      super();
      globalThis.tell = (name, data) =>
        this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId: 'e:' + data.revision }));
      queueMicrotask(() => {
        for (const component of ${JSON.stringify(names.map((name) => viewOf(name)))}) tell('component', { revision: 1, component });
        tell('synced', { revision: 1, now: new Date().toISOString() });
      });
    }
    close() {}
  };
`;

beforeAll(async () => {
  dashboard = await makeDashboard();
  context = await dashboard.open({ viewport: { width: 1400, height: 900 } });
  await context.addInitScript(standIn);
});

afterAll(async () => {
  await dashboard.dispose();
});

function drawn(page: Page): Promise<number> {
  return page.locator('tr[data-key]').count();
}

async function open(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(dashboard.url);
  await rowOf(page, names[0] ?? '').waitFor();
  // The table drops the rows out of sight once it has measured; a change before that draws them all again.
  await eventually(async () => (await drawn(page)) < 100);
  return page;
}

it('draws only the rows in sight, and all of them are reached by the keyboard', async () => {
  const page = await open();
  expect(await page.locator('table.rows').getAttribute('aria-rowcount')).toBe(String(total + 1));
  for (let step = 0; step < 120; step += 1) await page.keyboard.press('j');
  // What was pressed before its row was drawn is made up for.
  await eventually(async () => expect(await focusedRow(page)).toBe(names[119]));
  await page.keyboard.press('End');
  await rowOf(page, names[total - 1] ?? '').waitFor();
  expect(await drawn(page)).toBeLessThan(100);
  await page.close();
});

it('draws one row for a change of one, at 60 changes a second, and keeps its frames', async () => {
  const page = await open();
  const result = await page.evaluate<{ touched: string[]; tables: number; changes: number; frames: number }>(`
    new Promise((done) => {
      const touched = new Set();
      let [tables, changes, frames] = [0, 0, 0];
      const table = document.querySelector('table.rows');
      new MutationObserver((records) => {
        for (const { target, type } of records) {
          const element = target.nodeType === 1 ? target : target.parentElement;
          if (element?.closest('.c-age') !== null && element?.closest('.c-age') !== undefined) continue;
          const row = element?.closest('tr[data-key]');
          if (row) touched.add(row.dataset.key + ' ' + (element.closest('td')?.className ?? 'row'));
          else if (type === 'childList') tables += 1;
        }
      }).observe(table, { subtree: true, childList: true, characterData: true });
      const view = (name, restarts) => ({ ...${JSON.stringify(viewOf('shop/x'))}, component: name, restarts });
      const names = ['c0000', 'c0003', 'c0700', 'c0007'];
      const timer = setInterval(() => {
        changes += 1;
        tell('component', { revision: 1 + changes, component: view(names[changes % names.length], changes) });
      }, 1_000 / 60);
      const frame = () => { frames += 1; requestAnimationFrame(frame); };
      requestAnimationFrame(frame);
      setTimeout(() => {
        clearInterval(timer);
        requestAnimationFrame(() => done({ touched: [...touched].sort(), tables, changes, frames }));
      }, 2_000);
    })
  `);
  expect(result.changes).toBeGreaterThan(60);
  // The one that is out of sight is drawn when it comes into sight.
  expect(result.touched).toEqual(['c0000', 'c0003', 'c0007'].map((name) => `shop/${name} c-restarts`));
  expect(result.tables).toBe(0);
  expect(result.frames).toBeGreaterThan(40);
  await page.close();
});
