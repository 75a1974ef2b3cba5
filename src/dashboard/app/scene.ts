/** What every part of the page may use: the board, the API, the time, and where the page is. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ServiceBase } from '../../core/plan-replace.js';
import type { Board } from '../model/board.js';
import type { Cell } from '../model/cell.js';
import type { Route } from '../model/routes.js';
import type { Api, ServiceText } from './api.js';
import type { Visit } from './visit.js';

/** A short message at the edge of the page. */
export interface Toast {
  readonly text: string;
  readonly isBad: boolean;
}

/** The newest answers about services, by name, and the revision that was asked for. */
type KnownServices = Map<string, { readonly revision: number; readonly answer: Promise<ServiceText> }>;

export interface Scene {
  readonly board: Board;
  readonly api: Api;
  /** Unix milliseconds; moves each second. */
  readonly now: Cell<number>;
  readonly route: Cell<Route>;
  /** The node of each service. */
  readonly nodes: Cell<ReadonlyMap<string, string>>;
  readonly toast: Cell<Toast | null>;
  readonly helping: Cell<boolean>;
  /** False while nobody has seen the page for a while: whatever goes on for as long as it likes ends then. */
  readonly sight: Cell<boolean>;
  readonly services: KnownServices;
  /** What was typed and not applied yet, by service; '' is the new one. */
  readonly drafts: Map<string, { readonly text: string; readonly base: ServiceBase | null }>;
  readonly visit: Visit;
  /** What the home is called. */
  readonly home: string;
  readonly version: string;
}

export const SceneContext = createContext<Scene | null>(null);

export function useScene(): Scene {
  const scene = useContext(SceneContext);
  if (scene === null) throw new Error('this stands outside of the app');
  return scene;
}
