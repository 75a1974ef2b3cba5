/** What grows at its end, read from there backwards a page at a time. */

/** The most that is read at once; the API answers no more. */
export const pageItems = 1_000;

/**
 * The newest `count` items, as pages, the newest page first; null: all that there are. `read` answers the newest so many
 * before a revision (null: of all), in an order of its own. What is written meanwhile is not missed and not told twice.
 */
export async function pagesBack<T extends { readonly revision: number }>(
  read: (limit: number, before: number | null) => Promise<readonly T[]>,
  count: number | null,
  before: number | null = null,
): Promise<readonly (readonly T[])[]> {
  const pages: (readonly T[])[] = [];
  let left = count ?? Number.POSITIVE_INFINITY;
  let upTo = before;
  while (left > 0) {
    const limit = Math.min(left, pageItems);
    const page = await read(limit, upTo);
    if (page.length > 0) pages.push(page);
    if (page.length < limit) break;
    left -= page.length;
    upTo = page.reduce((lowest, { revision }) => Math.min(lowest, revision), Number.POSITIVE_INFINITY);
  }
  return pages;
}
