/** What tests ask inside of a page, as scripts: this side of the wall has no document. */
import type { Page } from 'playwright-core';

const shadow = `document.querySelector('.code')?.shadowRoot`;

/** The text of the editor, as it stands there. */
export function editorText(page: Page): Promise<string> {
  const lines = `[...(${shadow}?.querySelectorAll('.cm-line') ?? [])]`;
  return page.evaluate<string>(`${lines}.map((line) => line.textContent).join('\\n')`);
}

/** The key of the row that has the focus; null: none has. */
export function focusedRow(page: Page): Promise<string | null> {
  return page.evaluate<string | null>(`document.activeElement?.closest('[data-key]')?.dataset.key ?? null`);
}

/** How far the page is too wide, in pixels. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate<number>('Math.max(0, document.documentElement.scrollWidth - innerWidth)');
}

/** Leaves a mark in the memory of the page, which is gone when the page is loaded again. */
export async function mark(page: Page): Promise<void> {
  await page.evaluate('void (globalThis.wasHere = true)');
}

export function isMarked(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('globalThis.wasHere === true');
}

/** Notes from now on what a row shows, and when. */
export async function observeRow(page: Page, key: string): Promise<void> {
  await page.evaluate(`
    globalThis.seen = [];
    new MutationObserver(() => {
      const row = document.querySelector('tr[data-key="${key}"]');
      globalThis.seen.push({ at: Date.now(), text: row?.textContent ?? '', phase: row?.dataset.phase ?? '' });
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  `);
}

/** What the row has shown since; `at` are Unix milliseconds. */
export function rowHistory(
  page: Page,
): Promise<readonly { readonly at: number; readonly text: string; readonly phase: string }[]> {
  return page.evaluate('globalThis.seen');
}

/** What axe finds; `axe` is its source. */
export async function findFaults(page: Page, axe: string): Promise<readonly string[]> {
  await page.evaluate(axe);
  return page.evaluate<readonly string[]>(`
    axe.run().then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))
  `);
}
