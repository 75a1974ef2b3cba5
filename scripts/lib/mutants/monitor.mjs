/** Safeguards of src/monitor and of the words of events: what is older never hides what is newer. */
const picture = 'src/monitor/picture.ts';
const watch = 'src/monitor/driver-watch.ts';

/** @type {readonly import('../mutants.mjs').Mutant[]} */
export const monitorMutants = [
  {
    name: 'older-list',
    safeguard: 'the looks that an older list does not overwrite',
    file: picture,
    find: `if (look.atMs < atMs) this.#looks.delete(nativeId);`,
    replace: `if (look.atMs >= 0) this.#looks.delete(nativeId);`,
    kills: ['a list comes long after it was taken'],
  },
  {
    name: 'older-look',
    safeguard: 'the look that an older one does not overwrite',
    file: picture,
    find: `return newer && newer.atMs > atMs ? [] : this.#replace(nativeId, old, workload, atMs);`,
    replace: `return newer && newer.atMs < 0 ? [] : this.#replace(nativeId, old, workload, atMs);`,
    kills: ['a look comes long after it was taken'],
  },
  {
    name: 'earlier-run',
    safeguard: 'the time by which an event of an earlier run is known',
    file: 'src/core/observation.ts',
    find: `if (!claim || atMs < (workload.startedAtMs ?? workload.createdAtMs ?? 0)) return workload;`,
    replace: `if (!claim || atMs < 0) return workload;`,
    kills: ['an event of an earlier end comes late'],
  },
  {
    name: 'not-answering',
    safeguard: 'the word that a driver does not answer',
    file: watch,
    find: `this.#health = { ...this.#health, answering: false, error: message, failingSinceMs: sinceMs };`,
    replace: `this.#health = { ...this.#health, error: message, failingSinceMs: sinceMs };`,
    kills: ['a workload is removed by hand while its runtime is silent'],
  },
  {
    name: 'home-in-picture',
    safeguard: 'the home by which the picture knows its own',
    file: picture,
    find: `if (owner?.homeId !== this.#homeId) return;`,
    replace: `if (!owner) return;`,
    kills: ['another home has workloads of the same service, one of them under our name'],
  },
  {
    name: 'relist',
    safeguard: 'the slow relist that makes certain what events made prompt',
    file: watch,
    find: `const restMs = this.#health.answering ? this.#options.relistMs() : retryMs;`,
    replace: `const restMs = 1e9;`,
    kills: ['limits are changed by hand'],
  },
];
