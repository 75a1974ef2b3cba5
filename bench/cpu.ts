/** Processor time of this process: what work costs, whatever else the machine does meanwhile. */

/** Milliseconds that all threads of this process have computed so far, garbage collection included. */
export function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
