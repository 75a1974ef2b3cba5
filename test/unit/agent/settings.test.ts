import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { qemuSettings } from '../../../src/agent/qemu-settings.js';
import { readSettings, settingNames, variableOf } from '../../../src/agent/settings.js';
import { BerthError } from '../../../src/core/errors.js';
import { defaultQemuSettings, type QemuSettings } from '../../../src/runtimes/qemu/contracts.js';
import { root } from '../../support/test-home.js';

const none = { fileText: null, filePath: '/home/berth.toml', env: {}, flags: {} };

function problemsOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof BerthError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'no error';
}

describe('settings', () => {
  it('come from the file, over it the environment, over it the flags', () => {
    const fileText = 'relist_s = 30\nconcurrency = 2\nlog_level = "debug"';
    const env = { BERTH_RELIST_S: '20', BERTH_CONCURRENCY: '3' };
    const settings = readSettings({ ...none, fileText, env, flags: { concurrency: '4' } });
    expect(settings).toMatchObject({ relist_s: 20, concurrency: 4, log_level: 'debug', full_pass_s: 300 });
  });

  it.each([
    ['an unknown key', { fileText: 'relist = 3' }, 'relist'],
    ['a wrong type', { fileText: 'relist_s = "soon"' }, 'relist_s'],
    ['out of range', { env: { BERTH_CONCURRENCY: '0' } }, 'concurrency'],
    ['no number', { env: { BERTH_RELIST_S: 'x' } }, 'relist_s'],
    ['broken TOML', { fileText: 'relist_s = \n' }, '/home/berth.toml:1'],
    ['a relative path', { env: { BERTH_VM_KERNEL: 'vmlinuz' } }, 'vm_kernel'],
    ['a strange accelerator', { flags: { vm_accel: 'hvf' } }, 'vm_accel'],
    ['a bad prefix', { flags: { name_prefix: 'Ü-' } }, 'name_prefix'],
  ])('%s is named', (_, sources, word) => {
    const told = problemsOf(() => readSettings({ ...none, ...sources }));
    expect(told).toContain('E_SETTINGS');
    expect(told).toContain(word);
  });

  it('tells all problems at once', () => {
    const told = problemsOf(() => readSettings({ ...none, fileText: 'relist_s = 0\nconcurrency = 0' }));
    expect(told).toMatch(/relist_s.*concurrency/);
  });

  it('of virtual machines are those of their driver, with its defaults', () => {
    const settings = readSettings({ ...none, env: { BERTH_VM_KERNEL: '/123' } });
    const read: QemuSettings = qemuSettings(settings);
    expect(read).toEqual({ ...defaultQemuSettings, kernel: '/123' });
    expect(settingNames.filter((name) => name.startsWith('vm_'))).toHaveLength(Object.keys(read).length);
  });

  it('are all in docs/settings.md, with their defaults', () => {
    const text = readFileSync(join(root, 'docs/settings.md'), 'utf8');
    const defaults: Readonly<Record<string, unknown>> = readSettings(none);
    const rows = new Map(
      [...text.matchAll(/^\| `([a-z_]+)`[^|]*\|[^|]*\| ([^|]*) \|$/gm)].map((row) => [row[1], row[2]]),
    );
    expect([...rows.keys()].sort()).toEqual([...settingNames].sort());
    for (const name of settingNames) {
      const value = defaults[name];
      if (typeof value === 'number') expect(rows.get(name), name).toBe(String(value));
    }
    expect(variableOf('relist_s')).toBe('BERTH_RELIST_S');
  });
});
