/** Whether somebody may be looking at the page. */
import { Cell } from '../model/cell.js';

/** Who looks at another page for a moment, and comes back, finds this one as it was. */
const patienceMs = 30_000;

/**
 * True while the page is in sight, and for half a minute after. A browser opens six connections to one address and no more:
 * pages that nobody sees are not to keep them from the one that is looked at.
 */
export function followSight(): Cell<boolean> {
  const cell = new Cell(true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    clearTimeout(timer);
    if (!document.hidden) cell.set(true);
    else {
      timer = setTimeout(() => {
        cell.set(false);
      }, patienceMs);
    }
  };
  look();
  document.addEventListener('visibilitychange', look);
  return cell;
}
