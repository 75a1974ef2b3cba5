/** Runs QEMU and talks to it. */
export { Accelerators, probeAccelerator, type Acceleration, type AcceleratorDeps } from './accel.js';
export { machineArgv, type MachineTools } from './argv.js';
export { machineCapabilities } from './capabilities.js';
export { ConsoleKeeper, type ConsoleKeeperOptions } from './console-keeper.js';
export { readConsoleLog } from './console-log.js';
export { attachConsole } from './console-session.js';
export { throwIfCancelled } from './deadline.js';
export type { MachineDeps } from './deps.js';
export { adoptMachine, findMachine, killMachine, type FoundMachine } from './find.js';
export { launchMachine, type LaunchRequest } from './launch.js';
export { uidOf } from './privileges.js';
export { QmpClient } from './qmp.js';
export type { QmpEvent } from './qmp-lines.js';
export { QmpSession, type MachineEnd, type QmpSessionOptions } from './qmp-session.js';
export type { RunIdentity } from './run-record.js';
export { readStats, type MachineStats } from './stats.js';
export { stopMachine, type Stopped, type StopRequest } from './stop.js';
