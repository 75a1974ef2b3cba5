/** Definitions as several parts of a page need them: each is asked for once, until it changes. */
import type { ServiceText } from './api.js';
import { useScene } from './scene.js';
import { useCell, useLoaded, type Loaded } from './use.js';

export function useService(service: string): Loaded<ServiceText> {
  const { api, board, services } = useScene();
  const revision = useCell(board.definition(service));
  const ask = (): Promise<ServiceText> => {
    const known = services.get(service);
    if (known?.revision === revision) return known.answer;
    const answer = api.service(service);
    services.set(service, { revision, answer });
    // A failure is not kept: the next one who asks may have more luck.
    answer.catch(() => services.delete(service));
    return answer;
  };
  return useLoaded(ask, [service, revision]);
}
