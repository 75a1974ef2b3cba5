/** Events of one kind: those that were, as the agent is asked for them, and from then on each as it is told. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { EventView } from '../../api/views.js';
import { EventList } from '../model/event-list.js';
import { useScene } from './scene.js';
import { useCell } from './use.js';

interface EventsWanted {
  /** Answers the newest, `most` at most. */
  readonly ask: (signal: AbortSignal) => Promise<readonly EventView[]>;
  readonly most: number;
  /** Whether one that is told is of this kind. */
  readonly isOne: (event: EventView) => boolean;
  /** So many are kept, the newest. */
  readonly kept: number;
}

interface EventsKnown {
  /** Oldest first. */
  readonly events: readonly EventView[];
  /** There may be older ones. */
  readonly isCut: boolean;
  /** They are what is wanted now: the agent has answered. */
  readonly isTold: boolean;
  readonly error: Error | null;
}

/** Asks again when `keys` change, and when there may have been some that nobody told; meanwhile the former ones stay. */
export function useEvents(wanted: EventsWanted, keys: readonly unknown[]): EventsKnown {
  const { ask, most, isOne, kept } = wanted;
  const { board } = useScene();
  const snapshot = useCell(board.snapshots);
  const round = useMemo(() => ({}), keys);
  const [state, setState] = useState(() => ({
    list: new EventList(kept),
    isFull: false,
    of: null as object | null,
    error: null as Error | null,
  }));
  useEffect(() => {
    const control = new AbortController();
    const list = new EventList(kept);
    // Before the question, so that none is missed between the answer and what is told.
    const stop = board.heard.follow(() => {
      const event = board.heard.get();
      if (event !== null && isOne(event)) list.add([event]);
    });
    const show = (isFull: boolean, error: Error | null): void => {
      if (!control.signal.aborted) setState({ list, isFull, of: round, error });
    };
    ask(control.signal).then(
      (more) => {
        list.add(more);
        show(more.length >= most, null);
      },
      (error: unknown) => {
        show(false, error instanceof Error ? error : new Error(String(error)));
      },
    );
    return () => {
      control.abort();
      stop();
    };
  }, [round, snapshot]);
  const events = useCell(state.list.events);
  return { events, isCut: state.isFull || state.list.isCut, isTold: state.of === round, error: state.error };
}
