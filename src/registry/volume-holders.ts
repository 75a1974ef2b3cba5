/** Which drivers hold something of a named volume: bookkeeping that raises no revision. */
import type { VolumeHolder, VolumeKey } from '../core/ports/registry.js';
import { fixed, sql, type Session } from './session.js';

const holdersQuery = fixed(
  sql.selectFrom('volume_holders').selectAll().orderBy('service').orderBy('volume').orderBy('driver'),
);

export function readVolumeHolders(session: Session): readonly VolumeHolder[] {
  const rows = session.all(holdersQuery);
  return rows.map(({ copied_for: copiedFor, state, ...row }) => ({
    ...row,
    state: state as VolumeHolder['state'],
    copiedFor,
  }));
}

/** Puts `holders` in the place of all that was known of this volume. */
export function replaceVolumeHolders(
  session: Session,
  { service, volume }: VolumeKey,
  holders: readonly Omit<VolumeHolder, 'service' | 'volume'>[],
): void {
  session.run(sql.deleteFrom('volume_holders').where('service', '=', service).where('volume', '=', volume));
  for (const { driver, state, copiedFor } of holders) {
    session.run(sql.insertInto('volume_holders').values({ service, volume, driver, state, copied_for: copiedFor }));
  }
}
