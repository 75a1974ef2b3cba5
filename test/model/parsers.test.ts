/** What is written is what is read back: the small languages of definitions, files and the command line. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAge, parseDuration, parseSince } from '../../src/cli/durations.js';
import { parseEnvFile } from '../../src/controller/env-files.js';
import { isBerthError } from '../../src/core/errors.js';
import { formatKey, hostName, isValidName, parseKey, roleOfHostName, workloadName } from '../../src/core/names.js';
import { canonicalPorts, canonicalVolumes } from '../../src/core/spec-diff.js';
import { formatPort, limits, parsePort, parseVolume, portsCollide, type PortMapping } from '../../src/core/spec.js';
import { imageFault } from '../../src/definition/image-reference.js';

const seed = process.env['BERTH_SEED'] === undefined ? {} : { seed: Number(process.env['BERTH_SEED']) };

/** Any text, often made of the characters that a parser looks for. */
const near = (characters: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ unit: fc.constantFrom(...Array.from(characters)), maxLength: 30 }),
  );

const portNumber = fc.integer({ min: 1, max: 65_535 });
const mapping: fc.Arbitrary<PortMapping> = fc.record({
  hostIp: fc.oneof(fc.ipV4(), fc.constantFrom('0.0.0.0', '::', '::1', 'fe80::1')),
  hostPort: fc.oneof(portNumber, fc.constantFrom(80, 81)),
  port: portNumber,
  protocol: fc.constantFrom('tcp', 'udp'),
});

describe('ports', () => {
  it('are read as they are written, in every spelling', () => {
    fc.assert(
      fc.property(mapping, (port) => {
        const text = formatPort(port);
        expect(parsePort(text)).toEqual(port);
        if (port.protocol === 'tcp') expect(parsePort(text.replace('/tcp', ''))).toEqual(port);
        if (port.hostIp === '0.0.0.0') expect(parsePort(text.replace('0.0.0.0:', ''))).toEqual(port);
      }),
      seed,
    );
  });

  it('that are read at all are within range, and are written as what is read the same', () => {
    fc.assert(
      fc.property(near('0123456789.:[]/tcpudabf'), (text) => {
        const port = parsePort(text);
        if (port === undefined) return;
        for (const number of [port.hostPort, port.port]) {
          expect(number).toBeGreaterThanOrEqual(1);
          expect(number).toBeLessThanOrEqual(65_535);
        }
        expect(parsePort(formatPort(port))).toEqual(port);
        expect(canonicalPorts([text])).toEqual([formatPort(port)]);
      }),
      { numRuns: 1_500, ...seed },
    );
  });

  it('out of range, and addresses that are none, are refused', () => {
    const number = fc.oneof(fc.nat(99_999), fc.constantFrom(0, 1, 65_535, 65_536));
    fc.assert(
      fc.property(fc.array(fc.nat(300), { minLength: 4, maxLength: 4 }), number, number, (octets, hostPort, port) => {
        const isRight =
          [hostPort, port].every((each) => each >= 1 && each <= 65_535) && octets.every((each) => each <= 255);
        expect(parsePort(`${octets.join('.')}:${hostPort}:${port}`) !== undefined).toBe(isRight);
      }),
      { numRuns: 1_000, ...seed },
    );
  });

  it('collide with themselves, and as much one way as the other', () => {
    fc.assert(
      fc.property(mapping, mapping, (a, b) => {
        expect(portsCollide(a, a)).toBe(true);
        expect(portsCollide(a, b)).toBe(portsCollide(b, a));
        if (a.hostPort !== b.hostPort || a.protocol !== b.protocol) expect(portsCollide(a, b)).toBe(false);
        expect(portsCollide({ ...b, hostIp: '0.0.0.0' }, b)).toBe(true);
      }),
      seed,
    );
  });
});

const cleanPath = fc
  .array(
    fc.stringMatching(/^[a-z._ -]{1,8}$/).filter((part) => part !== '.' && part !== '..'),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => `/${parts.join('/')}`);
const volumeNames = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,20}$/);
const sizeMb = fc.integer({ min: limits.volumeSizeMb.min, max: limits.volumeSizeMb.max });

describe('volumes', () => {
  it('are read as they are written, options in any order', () => {
    fc.assert(
      fc.property(
        fc.oneof(volumeNames, cleanPath),
        cleanPath,
        fc.boolean(),
        fc.option(sizeMb, { nil: null }),
        fc.boolean(),
        (source, target, readOnly, size, swap) => {
          const kind = source.startsWith('/') ? 'host' : 'named';
          const wanted = kind === 'host' ? null : size;
          const options = [readOnly ? 'ro' : 'rw', ...(wanted === null ? [] : [`size_mb=${wanted}`])];
          const text = `${source}:${target}:${(swap ? options.reverse() : options).join(',')}`;
          expect(parseVolume(text)).toEqual({ kind, source, target, readOnly, sizeMb: wanted });
          if (!readOnly && wanted === null) {
            expect(canonicalVolumes([`${source}:${target}`])).toEqual(canonicalVolumes([text]));
          }
          if (kind === 'host') expect(parseVolume(`${source}:${target}:size_mb=8`)).toBeUndefined();
        },
      ),
      { numRuns: 500, ...seed },
    );
  });

  it('that are read at all lead to an absolute place, and mean the same in any order', () => {
    fc.assert(
      fc.property(fc.array(near('ab/.:,=size_mbrow18'), { maxLength: 4 }), (texts) => {
        for (const mount of texts.flatMap((text) => parseVolume(text) ?? [])) {
          expect(mount.target).toMatch(/^\/./);
          expect(`${mount.target}/`).not.toMatch(/\/\.{0,2}\//);
        }
        expect(canonicalVolumes([...texts].reverse())).toEqual(canonicalVolumes(texts));
      }),
      { numRuns: 1_000, ...seed },
    );
  });
});

const validName = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,14}$/);

describe('names', () => {
  it('of a component are read back from its key, and nothing else is a key', () => {
    fc.assert(
      fc.property(validName, validName, near('ab/-'), (service, component, text) => {
        expect([isValidName(service), isValidName(component)]).toEqual([true, true]);
        expect(parseKey(formatKey({ service, component }))).toEqual({ service, component });
        const key = parseKey(text);
        if (key) expect(formatKey(key)).toBe(text);
      }),
      seed,
    );
  });

  it('on the host tell the role, and never those of another component', () => {
    const role = fc.constantFrom('main', 'next', 'previous');
    const prefix = fc.constantFrom('', 'x-');
    fc.assert(
      fc.property(
        prefix,
        validName,
        validName,
        role,
        fc.tuple(validName, validName),
        (before, service, component, part, other) => {
          const workload = workloadName(service, component);
          expect(workload.length).toBeLessThanOrEqual(63);
          const main = hostName(before, workload, 'main');
          expect(roleOfHostName(main, hostName(before, workload, part))).toBe(part);
          const stranger = workloadName(...other);
          if (stranger !== workload) expect(roleOfHostName(main, hostName(before, stranger, part))).toBeUndefined();
        },
      ),
      { numRuns: 500, ...seed },
    );
  });
});

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

describe('durations', () => {
  it('are read in each unit, and printed ages are read as no more than they were', () => {
    const unit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
    fc.assert(
      fc.property(
        fc.nat(10_000),
        unit,
        fc.nat(10_000_000_000),
        fc.nat(2_000_000_000_000),
        (count, name, ageMs, nowMs) => {
          expect(parseDuration(`${count}${name}`, '--since')).toBe(count * units[name]);
          expect(parseDuration(String(count), '--since')).toBe(count * 1_000);
          const printed = parseDuration(formatAge(ageMs), '--since');
          expect(printed).toBeLessThanOrEqual(ageMs);
          expect(ageMs - printed).toBeLessThan(Math.max(1_000, ageMs / 2));
          expect(parseSince(`${count}${name}`, nowMs, '--since')).toBe(nowMs - count * units[name]);
          expect(parseSince(new Date(nowMs).toISOString(), 0, '--since')).toBe(nowMs);
        },
      ),
      { numRuns: 500, ...seed },
    );
  });

  it('that are none are refused by name, whatever the text', () => {
    fc.assert(
      fc.property(near('0123456789.smhd-TZ:'), (text) => {
        for (const read of [() => parseDuration(text, '--x'), () => parseSince(text, 0, '--x')]) {
          try {
            expect(Number.isFinite(read())).toBe(true);
          } catch (error) {
            expect(isBerthError(error, 'E_USAGE') && error.message.startsWith('--x wants')).toBe(true);
          }
        }
      }),
      { numRuns: 1_000, ...seed },
    );
  });
});

describe('env files', () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/).filter((text) => text !== '__proto__');
  const variables = fc.dictionary(name, fc.string({ maxLength: 12 }), { noNullPrototype: true });

  it('are read as they are written, quoted or not, among comments', () => {
    fc.assert(
      fc.property(variables, fc.constantFrom('"', "'"), fc.constantFrom('\n', '\r\n'), (values, quote, end) => {
        const lines = Object.entries(values).flatMap(([name, value]) => [
          '# a comment',
          '',
          ` ${name} = ${quote}${value}${quote} `,
        ]);
        expect(parseEnvFile(lines.join(end))).toEqual({ values });
      }),
      { numRuns: 500, ...seed },
    );
  });

  it('with a wrong line say where, and nothing of what stands there', () => {
    fc.assert(
      fc.property(fc.array(near('AB=1 #"\'-'), { maxLength: 5 }), (lines) => {
        const view = parseEnvFile(lines.join('\n'));
        if ('error' in view) expect(view.error).toMatch(/^line \d+ is not KEY=value$/);
        else for (const name of Object.keys(view.values)) expect(name).toMatch(/^[A-Za-z_]\w*$/);
      }),
      { numRuns: 1_000, ...seed },
    );
  });
});

describe('image references', () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}$/);
  const host = fc.constantFrom('', 'localhost/', 'localhost:5000/', 'registry.example.org/', '[::1]:5000/', 'Upper/');
  const tag = fc.option(fc.stringMatching(/^\w[\w.-]{0,12}$/), { nil: null });
  const digest = fc.option(fc.stringMatching(/^[0-9a-f]{64}$/), { nil: null });

  it('that follow the grammar have no fault', () => {
    fc.assert(
      fc.property(host, fc.array(part, { minLength: 1, maxLength: 3 }), tag, digest, (registry, path, name, hash) => {
        // Without a host, a first part with a dot in it would be one.
        fc.pre(registry !== '' || path.length === 1 || path[0]?.includes('.') === false);
        const text = `${registry}${path.join('/')}${name === null ? '' : `:${name}`}${hash === null ? '' : `@sha256:${hash}`}`;
        expect(imageFault(text), text).toBeUndefined();
        expect(imageFault(`${text} `)).toBeDefined();
        expect(imageFault(`https://${text}`)).toBeDefined();
      }),
      { numRuns: 1_000, ...seed },
    );
  });

  it('of any text are judged, and what is wrong is said with what to do', () => {
    fc.assert(
      fc.property(near('ab/:@.-_[]0sha256'), (text) => {
        const fault = imageFault(text);
        if (fault) expect([fault.message, fault.suggestion].every((words) => words !== '')).toBe(true);
        else expect(text).toMatch(/^[!-~]+$/);
      }),
      { numRuns: 1_500, ...seed },
    );
  });
});
