/** Where the page is, from the address bar. */
import { Cell } from '../model/cell.js';
import { linkTo, readRoute, type Route } from '../model/routes.js';

export function followRoute(): Cell<Route> {
  const cell = new Cell(readRoute(location.hash));
  addEventListener('hashchange', () => {
    cell.set(readRoute(location.hash));
  });
  return cell;
}

export function goTo(route: Route): void {
  location.hash = linkTo(route);
}
