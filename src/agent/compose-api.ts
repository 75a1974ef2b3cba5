/** The API of an agent, over the registry and the drivers that it has open. */
import { createApiServer } from '../api/http/server.js';
import type { Gate } from '../api/http/auth/gate-types.js';
import { ApiReply } from '../api/http/contract.js';
import type { LocalClientPorts } from '../api/ports.js';
import { BerthError } from '../core/errors.js';
import { createDefinitionReader } from '../definition/reader.js';
import { nodeFiles } from '../definition/files.js';
import type { ApiFacts, ApiPart } from './run-agent.js';
import { systemChance, systemClock } from './system.js';

/** Makes the API; it listens nowhere yet. */
export function composeApi(facts: ApiFacts, version: string): ApiPart {
  const { registry, drivers, settings, log, home, startedAtMs } = facts;
  const reader = createDefinitionReader({ files: nodeFiles() });
  const portsFor = ({ actor }: { readonly actor: string }): LocalClientPorts => ({
    registry,
    reader: () => Promise.resolve(reader),
    drivers: () => Promise.resolve(drivers),
    clock: systemClock,
    chance: systemChance,
    actor,
    agentHolder: () => Promise.resolve({ pid: process.pid, sinceMs: startedAtMs }),
  });
  return createApiServer({
    home,
    version,
    pid: process.pid,
    tcp: settings().api_listen,
    clock: systemClock,
    chance: systemChance,
    log: log.child({ part: 'api' }),
    portsFor,
    gate: socketOnly,
  });
}

/** Lets in whoever may open the socket. */
const socketOnly: Gate = {
  open: () => Promise.resolve(),
  check: ({ via, headers }) => {
    if (via !== 'socket') throw new BerthError('E_UNAUTHENTICATED', 'only the socket is served yet');
    const actor = headers['x-berth-actor'];
    return Promise.resolve({
      via: 'socket',
      name: 'socket',
      access: 'write',
      actor: typeof actor === 'string' ? actor : 'cli:unknown',
    });
  },
  pageInstead: () => null,
  loginPage: () => Promise.resolve(new ApiReply(404, '')),
  login: () => Promise.resolve(new ApiReply(404, '')),
  logout: () => Promise.resolve(new ApiReply(404, '')),
  createLoginLink: () => Promise.reject(new BerthError('E_NOT_SUPPORTED', 'not yet')),
};
