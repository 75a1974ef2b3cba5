/** Processor time of this process: what work costs, whatever else the machine does meanwhile. */

/** Milliseconds that all threads of this process have computed so far, garbage collection included. */
export function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Milliseconds on the clock of the machine that no one sets: comparable between its processes. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
