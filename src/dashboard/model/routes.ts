/** Addresses inside of the page: what stands after `#`. Pure. */

export type Route =
  | { readonly page: 'overview' }
  | { readonly page: 'drift' }
  | { readonly page: 'events'; readonly service: string | null }
  | { readonly page: 'component'; readonly service: string; readonly component: string }
  | { readonly page: 'edit'; readonly service: string }
  | { readonly page: 'new' };

/** The page of an address; what is not understood is the overview. */
export function readRoute(hash: string): Route {
  const [page = '', ...rest] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decode);
  const [first = '', second = ''] = rest;
  switch (page) {
    case 'drift':
      return { page };
    case 'events':
      return { page, service: first === '' ? null : first };
    case 'component':
      return first === '' || second === '' ? { page: 'overview' } : { page, service: first, component: second };
    case 'edit':
      return first === '' ? { page: 'new' } : { page, service: first };
    case 'new':
      return { page };
    default:
      return { page: 'overview' };
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page. */
export function linkTo(route: Route): string {
  switch (route.page) {
    case 'overview':
      return '#/';
    case 'component':
      return `#/component/${encodeURIComponent(route.service)}/${encodeURIComponent(route.component)}`;
    case 'edit':
      return `#/edit/${encodeURIComponent(route.service)}`;
    case 'events':
      return route.service === null ? '#/events' : `#/events/${encodeURIComponent(route.service)}`;
    default:
      return `#/${route.page}`;
  }
}
