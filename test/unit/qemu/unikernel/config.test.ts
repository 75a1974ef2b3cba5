import { describe, expect, it } from 'vitest';
import { netmaskOf, opsConfig, unusableText } from '../../../../src/runtimes/qemu/unikernel/config.js';
import { userNetwork } from '../../../../src/runtimes/qemu/contracts.js';

const input = {
  argv: ['httpd', '-h', '/'],
  env: { A: 'b=c', EMPTY: '' },
  workdir: '/srv/',
  network: userNetwork,
  kernel: '/k/kernel.img',
  boot: '/k/boot.img',
  topFiles: ['hello'],
  topFolders: ['bin', 'lib'],
  totalBytes: 5_000_000,
};

describe('the configuration of ops', () => {
  it('has the keys and types that ops takes', () => {
    expect(opsConfig(input)).toEqual({
      Args: ['-h', '/'],
      Env: { A: 'b=c', EMPTY: '' },
      Files: ['hello'],
      Dirs: ['bin', 'lib'],
      BaseVolumeSz: '101m',
      Kernel: '/k/kernel.img',
      Boot: '/k/boot.img',
      NameServers: ['10.0.2.3'],
      ManifestPassthrough: { debug_exit: 't', arguments: ['httpd', '-h', '/'], cwd: '/srv' },
      RunConfig: { IPAddress: '10.0.2.15', Gateway: '10.0.2.2', NetMask: '255.255.255.0' },
    });
  });

  it('says nothing of a working directory that Nanos has anyway', () => {
    expect(opsConfig({ ...input, workdir: '/' }).ManifestPassthrough).not.toHaveProperty('cwd');
  });

  it.each([
    [0, '0.0.0.0'],
    [8, '255.0.0.0'],
    [20, '255.255.240.0'],
    [24, '255.255.255.0'],
    [32, '255.255.255.255'],
  ])('writes a prefix of %i as %s', (prefix, mask) => {
    expect(netmaskOf(prefix)).toBe(mask);
  });

  it('finds the text that no program can be given', () => {
    expect(unusableText(['a', 'b\0c'])).toBe('b\0c');
    expect(unusableText(['a', ''])).toBeUndefined();
  });
});
