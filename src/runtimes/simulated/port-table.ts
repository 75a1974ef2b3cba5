/** Which ports of the host are listened on, and by whom. */
import { BerthError } from '../../core/errors.js';
import { parsePort, portsCollide, type PortMapping } from '../../core/spec.js';

interface Binding {
  readonly holder: string;
  readonly mapping: PortMapping;
}

export class PortTable {
  /** By port and protocol, so that ten thousand listeners cost a newcomer nothing. */
  readonly #bindings = new Map<string, Set<Binding>>();

  /** Takes all `ports` (in the form of `formatPort`) or none. E_PORT_TAKEN. */
  bind(holder: string, ports: readonly string[]): void {
    const mappings = ports.map(read);
    for (const mapping of mappings) this.#mustBeFree(mapping);
    for (const mapping of mappings) {
      const key = keyOf(mapping);
      const bindings = this.#bindings.get(key) ?? new Set();
      this.#bindings.set(key, bindings.add({ holder, mapping }));
    }
  }

  release(holder: string, ports: readonly string[]): void {
    for (const port of ports) {
      const key = keyOf(read(port));
      const bindings = this.#bindings.get(key);
      for (const binding of bindings ?? []) if (binding.holder === holder) bindings?.delete(binding);
      if (bindings?.size === 0) this.#bindings.delete(key);
    }
  }

  #mustBeFree(wanted: PortMapping): void {
    for (const { holder, mapping } of this.#bindings.get(keyOf(wanted)) ?? []) {
      if (!portsCollide(mapping, wanted)) continue;
      const { protocol, hostIp, hostPort } = wanted;
      const message = `cannot listen on the ${protocol} port ${hostIp}:${hostPort}: address already in use by ${holder}`;
      throw new BerthError('E_PORT_TAKEN', message, { details: { hostPort, protocol, holder } });
    }
  }
}

function read(text: string): PortMapping {
  const mapping = parsePort(text);
  if (!mapping) throw new BerthError('E_USAGE', `${text}: not a port mapping`);
  return mapping;
}

function keyOf(mapping: PortMapping): string {
  return `${mapping.hostPort}/${mapping.protocol}`;
}
