/** What comes in pages from its newest on. Pure. */

/** The API answers no more at once. */
const pageItems = 1_000;
/** More than a component that ends at every try writes in a day. */
const mostPages = 10;

/** All of it, page by page, however many; `read` answers the newest before a revision (null: of all). Oldest first. */
export async function allPages<T extends { readonly revision: number }>(
  read: (limit: number, before: number | null) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  let all: readonly T[] = [];
  for (let pages = 0; pages < mostPages; pages += 1) {
    const page = await read(pageItems, all[0]?.revision ?? null);
    all = [...[...page].sort((a, b) => a.revision - b.revision), ...all];
    if (page.length < pageItems) break;
  }
  return all;
}
