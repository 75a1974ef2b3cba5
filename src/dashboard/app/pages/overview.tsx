/** The overview: what matters first, then every component. */
import { useScene } from '../scene.js';
import { useCell } from '../use.js';
import { count } from '../../model/format.js';
import { Broken } from '../parts/broken.js';
import { ComponentTable } from '../parts/component-table.js';
import { SinceLastVisit } from '../parts/since.js';
import { WatchOut } from '../parts/watch-out.js';

export function OverviewPage() {
  return (
    <>
      <div class="page-head">
        <h1>Overview</h1>
        <Total />
      </div>
      <Broken />
      <WatchOut />
      <SinceLastVisit />
      <section aria-labelledby="all-components">
        <div class="section-head">
          <h2 id="all-components">All components</h2>
        </div>
        <ComponentTable />
      </section>
    </>
  );
}

/** For itself, so that a change of one component does not draw the page again. */
function Total() {
  const { board } = useScene();
  useCell(board.changes);
  return <p class="soft">{count(board.size(), 'component')}</p>;
}
