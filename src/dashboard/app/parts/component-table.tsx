/** Every component in one dense table. Each row is drawn for itself, and only those in sight. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { memo } from './memo.js';
import {
  arrange,
  sameOrder,
  windowOf,
  type Column,
  type RowFacts,
  type RowFilter,
  type Sort,
} from '../../model/rows.js';
import { countStandings, standings, standingWords } from '../../model/standing.js';
import { Age, Badge, ComponentLink, Words } from '../parts.js';
import { useScene, type Scene } from '../scene.js';
import { useCell } from '../use.js';

const heads: readonly (readonly [Column | 'message', string])[] = [
  ['name', 'Component'],
  ['phase', 'Phase'],
  ['desired', 'Desired'],
  ['observed', 'Observed'],
  ['runtime', 'Runtime'],
  ['node', 'Node'],
  ['age', 'Seen'],
  ['restarts', 'Restarts'],
  ['drift', 'Drift'],
  ['message', 'Why'],
];

export function ComponentTable() {
  const [filter, setFilter] = useState<RowFilter>({ text: '', standing: null });
  const [sort, setSort] = useState<Sort>({ by: 'urgency', descending: false });
  const order = useOrder(filter, sort);
  return (
    <>
      <Tools filter={filter} onFilter={setFilter} />
      {order.length === 0 ? <Nothing filter={filter} /> : <Rows order={order} sort={sort} onSort={setSort} />}
    </>
  );
}

/** Keys of the rows in order; a new list only when the order is another. */
function useOrder(filter: RowFilter, sort: Sort): readonly string[] {
  const scene = useScene();
  const facts = useMemo(() => factsOf(scene), [scene]);
  const find = (): readonly string[] => arrange(scene.board.views(), filter, sort, facts);
  const last = useRef<readonly string[]>([]);
  const [, poke] = useState(0);
  useLayoutEffect(() => {
    let isPlanned = false;
    let frame = 0;
    // Whatever changes within a frame is arranged once.
    const stop = scene.board.changes.follow(() => {
      if (isPlanned) return;
      isPlanned = true;
      frame = requestAnimationFrame(() => {
        isPlanned = false;
        if (!sameOrder(find(), last.current)) poke((rounds) => rounds + 1);
      });
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [filter, sort]);
  const found = find();
  if (!sameOrder(found, last.current)) last.current = found;
  return last.current;
}

function factsOf({ board, nodes, now }: Scene): RowFacts {
  return {
    nodeOf: (service) => nodes.get().get(service) ?? 'local',
    ageMsOf: (view) => board.ageMs(view, now.get()),
  };
}

interface ToolsProps {
  readonly filter: RowFilter;
  readonly onFilter: (filter: RowFilter) => void;
}

/** Counts that filter, and the filter itself. */
function Tools({ filter, onFilter }: ToolsProps) {
  const { board } = useScene();
  useCell(board.changes);
  const counts = countStandings(board.views());
  return (
    <div class="tools">
      <input
        type="search"
        data-filter
        placeholder="Filter   /"
        aria-label="Filter components"
        value={filter.text}
        onInput={(event) => {
          onFilter({ ...filter, text: event.currentTarget.value });
        }}
      />
      <div class="chips" role="group" aria-label="Filter by how they stand">
        {standings
          .filter((standing) => counts[standing] > 0 || filter.standing === standing)
          .map((standing) => (
            <button
              type="button"
              key={standing}
              aria-pressed={filter.standing === standing}
              onClick={() => {
                onFilter({ ...filter, standing: filter.standing === standing ? null : standing });
              }}
            >
              <span class={`dot standing-${standing}`} aria-hidden="true" />
              {standingWords[standing]} <span class="figure">{counts[standing]}</span>
            </button>
          ))}
      </div>
    </div>
  );
}

function Nothing({ filter }: { readonly filter: RowFilter }) {
  const { board } = useScene();
  if (board.size() > 0 || filter.text !== '') return <p class="empty">No component is like that.</p>;
  return (
    <p class="empty">
      There is no component yet. <a href="#/new">Write a definition</a>, or apply one with{' '}
      <code>berth apply -f FILE</code>.
    </p>
  );
}

interface RowsProps {
  readonly order: readonly string[];
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}

function Rows({ order, sort, onSort }: RowsProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const { from, to, rowPx } = useWindow(body, order.length);
  useKeptFocus(body, order);
  return (
    <table class="rows" aria-rowcount={order.length + 1}>
      <caption class="hidden-words">Components, {order.length} shown</caption>
      <thead>
        <tr aria-rowindex={1}>
          {heads.map(([column, words]) => (
            <Head key={column} column={column} words={words} sort={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        <Spacer key="before" rows={from} rowPx={rowPx} />
        {order.slice(from, to).map((key, index) => (
          <Row key={key} id={key} index={from + index + 2} />
        ))}
        <Spacer key="after" rows={order.length - to} rowPx={rowPx} />
      </tbody>
    </table>
  );
}

interface HeadProps {
  readonly column: Column | 'message';
  readonly words: string;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}

function Head({ column, words, sort, onSort }: HeadProps) {
  if (column === 'message') {
    return (
      <th scope="col" class="c-message">
        {words}
      </th>
    );
  }
  const isBy = sort.by === column;
  const next = (): Sort => {
    if (!isBy) return { by: column, descending: column === 'restarts' || column === 'drift' };
    return sort.descending === (column === 'restarts' || column === 'drift')
      ? { by: column, descending: !sort.descending }
      : { by: 'urgency', descending: false };
  };
  return (
    <th scope="col" class={`c-${column}`} aria-sort={isBy ? (sort.descending ? 'descending' : 'ascending') : undefined}>
      <button
        type="button"
        onClick={() => {
          onSort(next());
        }}
      >
        {words}
        {isBy ? <span aria-hidden="true">{sort.descending ? '↓' : '↑'}</span> : null}
      </button>
    </th>
  );
}

/** Stands for rows out of sight. */
function Spacer({ rows, rowPx }: { readonly rows: number; readonly rowPx: number }) {
  if (rows === 0) return null;
  return (
    <tr class="spacer" aria-hidden="true">
      <td style={{ height: `${rows * rowPx}px` }} />
    </tr>
  );
}

const Row = memo(function Row({ id, index }: { readonly id: string; readonly index: number }) {
  const { board, nodes } = useScene();
  const view = useCell(board.row(id));
  const node = useCell(nodes).get(view?.service ?? '') ?? 'local';
  if (view === undefined) return null;
  const differs = view.desired !== view.observed && view.drift.length > 0;
  // Figures as text: Preact writes a 0 anew at each drawing.
  return (
    <tr data-row data-service={view.service} data-key={id} data-phase={view.phase} aria-rowindex={index}>
      <td class="c-name">
        <ComponentLink service={view.service} component={view.component} />
      </td>
      <td class="c-phase">
        <Badge phase={view.phase} />
      </td>
      <td class="c-desired">{view.desired}</td>
      <td class={differs ? 'c-observed differs' : 'c-observed'}>{view.observed}</td>
      <td class="c-runtime">{view.runtime}</td>
      <td class="c-node">{node}</td>
      <td class="c-age">
        <Age view={view} />
      </td>
      <td class={view.restarts === 0 ? 'c-restarts none' : 'c-restarts'}>{String(view.restarts)}</td>
      <td class={view.drift.length === 0 ? 'c-drift none' : 'c-drift differs'}>{String(view.drift.length)}</td>
      <td class="c-message" title={view.message}>
        <Words of={view.message} />
      </td>
    </tr>
  );
});

/** Which rows are in sight; all of them while they are few. */
function useWindow(body: { readonly current: HTMLElement | null }, total: number) {
  const few = 150;
  const [state, setState] = useState({ from: 0, to: few, rowPx: 33 });
  useEffect(() => {
    const look = (): void => {
      const element = body.current;
      if (element === null) return;
      const rowPx = element.querySelector('[data-row]')?.getBoundingClientRect().height ?? 33;
      const topPx = element.getBoundingClientRect().top;
      const next = windowOf({ total, rowPx, topPx, heightPx: innerHeight, spare: 20 });
      setState((old) =>
        old.from === next.from && old.to === next.to && old.rowPx === rowPx ? old : { ...next, rowPx },
      );
    };
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, [total]);
  return total <= few ? { ...state, from: 0, to: total } : { ...state, to: Math.min(state.to, total) };
}

/** A row that moves to another place would lose the focus on its way. */
function useKeptFocus(body: { readonly current: HTMLElement | null }, order: readonly string[]): void {
  const focused = useRef<string | null>(null);
  useLayoutEffect(() => {
    const element = body.current;
    if (element === null) return;
    const note = (): void => {
      focused.current = document.activeElement?.closest<HTMLElement>('[data-key]')?.dataset['key'] ?? null;
    };
    // Whoever points elsewhere has left the row.
    const forget = (): void => {
      focused.current = null;
    };
    element.addEventListener('focusin', note);
    addEventListener('pointerdown', forget);
    return () => {
      element.removeEventListener('focusin', note);
      removeEventListener('pointerdown', forget);
    };
  }, []);
  useLayoutEffect(() => {
    if (focused.current === null || document.activeElement !== document.body) return;
    const row = body.current?.querySelector(`[data-key="${CSS.escape(focused.current)}"]`);
    row?.querySelector('a')?.focus({ preventScroll: true });
  }, [order]);
}
