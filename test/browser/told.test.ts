/** What the pages make of what they are told, by a stand-in for the watch: nothing is lost, and nothing stays old. */
import type { BrowserContext, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { WatchMessage } from '../../src/api/http/contract.js';
import { makeDashboard, pageAt, type Dashboard } from '../support/dashboard-fixture.js';
import { drift, eventOf, viewOf } from '../unit/dashboard/views.js';

let dashboard: Dashboard;
let context: BrowserContext;

/** In the page: an EventSource that says what the test tells it to, by `tell(name, data)`, and resumes for nobody. */
const standIn = `
  globalThis.EventSource = class extends EventTarget {
    constructor(url) {
      super();
      if (url.includes('after=')) {
        queueMicrotask(() => this.onerror());
        return;
      }
      globalThis.tell = (name, data) =>
        this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId: 'e:' + data.revision }));
      globalThis.lose = () => this.onerror();
      queueMicrotask(() => {
        for (const component of globalThis.present) tell('component', { revision: 1, component });
        tell('synced', { revision: globalThis.present.length, now: new Date().toISOString() });
      });
    }
    close() {}
  };
`;

beforeAll(async () => {
  dashboard = await makeDashboard();
});

afterEach(async () => {
  await context.close();
  expect(dashboard.complaints).toEqual([]);
});

afterAll(async () => {
  await dashboard.dispose();
});

/** A page in a browser of its own, which is told of these components; what it asks of a path is answered by `answers`. */
async function at(
  hash: string,
  names: readonly (readonly [name: string, more?: Parameters<typeof viewOf>[1]])[],
  answers: Readonly<Record<string, (url: URL) => unknown>> = {},
): Promise<Page> {
  context = await dashboard.open({ viewport: { width: 1400, height: 900 } });
  const present = JSON.stringify(names.map(([name, more]) => viewOf(name, more)));
  await context.addInitScript(`globalThis.present = ${present};${standIn}`);
  const answer = async (route: Route): Promise<void> => {
    const url = new URL(route.request().url());
    const found = answers[url.pathname]?.(url);
    if (found === undefined) await route.fallback();
    else await route.fulfill({ json: found });
  };
  await context.route((url) => url.pathname in answers, answer);
  return pageAt(context, `${dashboard.url}${hash}`);
}

/** All at once, so that they are drawn in one frame. */
async function tell(page: Page, ...messages: readonly WatchMessage[]): Promise<void> {
  await page.evaluate(`
    for (const { name, data } of ${JSON.stringify(messages)}) tell(name, data);
  `);
}

const event = (revision: number, more: Parameters<typeof eventOf>[1] = {}): WatchMessage => ({
  name: 'event',
  data: eventOf(revision, { at: new Date().toISOString(), ...more }),
});
const manyEvents = (from: number, more: Parameters<typeof eventOf>[1]): readonly WatchMessage[] =>
  Array.from({ length: 1_100 }, (_, index) => event(from + index, more));
const others = { service: 'mail', component: 'relay' };

describe('what happened since the last visit', () => {
  const since = (page: Page) => page.locator('section', { has: page.locator('#since') });
  const restarts = (count: number, more: Parameters<typeof eventOf>[1] = {}) =>
    Array.from({ length: count }, (_, at) =>
      eventOf(at + 1, { at: new Date().toISOString(), reason: 'Restarted', ...more }),
    );
  const visit = async (items: readonly unknown[]): Promise<Page> => {
    const page = await at('#/drift', [['shop/web']], { '/v1/events': () => ({ items }) });
    await page.evaluate(`localStorage.setItem('berth.seen', String(Date.now() - 3_600_000))`);
    // Leaving would end this visit, too.
    await page.evaluate(`addEventListener('pagehide', (event) => event.stopImmediatePropagation(), true)`);
    await page.reload();
    await page.locator('.live.live').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    return page;
  };

  it('is not pushed out by what happens to others', async () => {
    const page = await visit(restarts(3));
    await since(page).getByText('3 restarts', { exact: true }).waitFor();
    await tell(page, ...manyEvents(10, others), event(5_000, { reason: 'Restarted' }));
    await since(page).getByText('4 restarts', { exact: true }).waitFor();
  });

  it('says that there was more than it was told', async () => {
    const page = await visit(restarts(1_000));
    await since(page).getByText('At least 1000 restarts', { exact: true }).waitFor();
  });

  it('stays seen, whatever page one goes to', async () => {
    const page = await visit(restarts(3));
    await since(page).getByRole('button', { name: 'Seen' }).click();
    await since(page).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Drift' }).click();
    await page.getByRole('heading', { level: 1, name: 'Drift' }).waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.locator('tr[data-key]').first().waitFor();
    expect(await since(page).count()).toBe(0);
  });
});

describe('the events of a service', () => {
  const answers = (own: readonly unknown[]) => ({
    '/v1/events': (url: URL) => ({
      items: url.searchParams.get('service') === 'shop' ? own : manyEvents(100, others).map(({ data }) => data),
    }),
  });

  it('are asked for by its name, and are not lost among others', async () => {
    const page = await at('#/events/shop', [['shop/web']], answers([eventOf(7, { message: 'quiet word' })]));
    await page.locator('.event', { hasText: 'quiet word' }).waitFor();
    await tell(page, ...manyEvents(2_000, others), event(9_000, { message: 'late word' }));
    await page.locator('.event', { hasText: 'late word' }).waitFor();
    expect(await page.locator('.event').count()).toBe(2);
  });

  it('says of how many it speaks when none is like that', async () => {
    const page = await at('#/events', [['shop/web']], answers([]));
    await page.locator('.event').first().waitFor();
    await page.getByLabel('Filter events').fill('nothing like it');
    await page.getByText(/^None of the newest \d+ events is like that\.$/).waitFor();
    await page.getByLabel('Service').selectOption('shop');
    await page.getByText('No event is like that.').waitFor();
  });

  it('are asked for anew when there may have been some that nobody told', async () => {
    const own = [eventOf(7, { message: 'quiet word' })];
    const page = await at('#/events/shop', [['shop/web']], answers(own));
    await page.locator('.event', { hasText: 'quiet word' }).waitFor();
    own.push(eventOf(8, { message: 'unheard of' }));
    await page.evaluate('lose()');
    await page.locator('.event', { hasText: 'unheard of' }).waitFor();
    await page.locator('.live.live').waitFor();
    expect(await page.locator('.event').count()).toBe(2);
  });
});

describe('a component', () => {
  const key = '/v1/components/shop/web';

  it('keeps its own events, whatever happens to others', async () => {
    const page = await at('#/component/shop/web', [['shop/web']], { '/v1/events': () => ({ items: [] }) });
    await page.locator('#why').waitFor();
    await tell(page, event(10, { reason: 'Restarted', message: 'own word' }));
    await page.locator('.event', { hasText: 'own word' }).waitFor();
    await tell(page, ...manyEvents(11, others));
    await tell(page, event(9_000, { message: 'late word' }));
    await page.locator('.event', { hasText: 'late word' }).waitFor();
    expect(await page.locator('.event', { hasText: 'own word' }).count()).toBe(1);
  });

  it('says why it is so by now, when only the reason is another', async () => {
    const view = { phase: 'starting', reason: 'Waits', message: 'waits for shop/db' } as const;
    let waitsFor = ['shop/db is not ready'];
    const image = { reference: 'localhost/x:1', digest: null };
    const nothing = { source: null, invalid: null, driverError: null, failedGeneration: null, goodGeneration: null };
    const page = await at('#/component/shop/web', [['shop/web', view]], {
      [key]: () => ({ image, waitsFor, ...nothing }),
    });
    await page.getByText('shop/db is not ready').waitFor();
    waitsFor = ['shop/cache is not ready'];
    const component = viewOf('shop/web', { ...view, reason: 'WaitsMore' });
    await tell(page, { name: 'component', data: { revision: 20, component } });
    await page.getByText('shop/cache is not ready').waitFor();
    waitsFor = [];
    await tell(page, event(90_021, { reason: 'RolledOut' }));
    await page.getByText('shop/cache is not ready').waitFor({ state: 'detached' });
  });
});

describe('drift', () => {
  const some = (count: number, more: Parameters<typeof viewOf>[1]) =>
    Array.from({ length: count }, (_, index) => [`shop/c${String(index).padStart(4, '0')}`, more] as const);

  it('shows the first of very many, and says how many more there are', async () => {
    const page = await at('#/drift', some(300, { phase: 'unknown' }));
    await page.getByText('100 more are in the overview: phase:unknown').waitFor();
    expect(await page.locator('.unseen li').count()).toBe(200);
  });

  it('does the same with what drifts', async () => {
    const page = await at('#/drift', some(201, { drift: [drift] }));
    await page.getByText('1 more are told by: berth drift').waitFor();
    expect(await page.locator('.drift').count()).toBe(200);
    await page.getByText('201 differences in 201 components').waitFor();
  });
});

describe('several changes in one frame', () => {
  const changed = (revision: number, service: string, component: string | null): WatchMessage => ({
    name: 'changed',
    data: {
      ...{ revision, service, component, op: 'update', actor: 'cli:ann' },
      entity: component === null ? 'service' : 'component',
    },
  });

  it('are each heard by whom they concern', async () => {
    const page = await at('#/edit/shop', [['shop/web']]);
    await page.locator('.cm-line').first().waitFor();
    await tell(page, changed(90_001, 'shop', null), changed(90_002, 'shop', 'web'), changed(90_003, 'mail', 'relay'));
    await page.locator('.notice', { hasText: 'changed meanwhile by cli:ann' }).waitFor();
  });

  it('tell of a service that is new', async () => {
    const rows = [{ name: 'shop', node: 'local', active: true }];
    const page = await at('#/new', [['shop/web']], { '/v1/services': () => ({ items: rows }) });
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(dashboard.text.replace('name = "shop"', 'name = "mail"'));
    await page.locator('.plan', { hasText: 'mail/web' }).first().waitFor();
    rows.push({ name: 'mail', node: 'local', active: true });
    await tell(page, changed(90_001, 'mail', null), changed(90_002, 'mail', 'web'));
    await page.locator('.notice', { hasText: 'There is a service mail already' }).waitFor();
  });
});

it('tells what goes with a service that is deleted, as it is by then', async () => {
  const component = (name: string) => ({
    name,
    runtime: 'container',
    image: 'localhost/x:1',
    volumes: [`${name}-data:/d`],
  });
  const components = [component('web')];
  const found = { service: 'shop', text: dashboard.text, base: { revision: 5, generations: {} }, components: [] };
  const page = await at('#/edit/shop', [['shop/web']], {
    '/v1/services/shop': () => ({ ...found, spec: { name: 'shop', components } }),
  });
  await page.locator('.cm-line').first().waitFor();
  components.push(component('cache'));
  await tell(page, {
    name: 'changed',
    data: { revision: 6, entity: 'component', op: 'insert', service: 'shop', component: 'cache', actor: 'cli:ann' },
  });
  await page.getByRole('button', { name: 'Delete service…' }).click();
  await page.getByRole('dialog').getByText('cache', { exact: true }).waitFor();
  await page.getByRole('dialog').getByText('web-data:/d, cache-data:/d').waitFor();
});
