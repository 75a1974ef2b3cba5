import { expect, it } from 'vitest';
import type { DoctorCheck } from '../../../src/api/views.js';
import { areaInWords, runningOut } from '../../../src/dashboard/model/outlook.js';

const check = (area: string, name: string, level: DoctorCheck['level']): DoctorCheck => ({
  area,
  name,
  ok: level === 'ok',
  level,
  detail: '',
  remedy: null,
});

it('stands worst first, else as it was told, without what is well or stands elsewhere', () => {
  const checks = [
    check('registry', 'registry', 'ok'),
    check('registry', 'shop/bad', 'warning'),
    check('holds', 'shop/bad', 'warning'),
    check('tries', 'shop/bad', 'warning'),
    check('disk', '/var', 'error'),
    check('tries', 'shop/back', 'warning'),
  ];
  const lines = runningOut(checks, (name) => name === 'shop/bad');
  expect(lines.map(({ area, name }) => `${area} ${name}`)).toEqual(['disk /var', 'holds shop/bad', 'tries shop/back']);
  expect(runningOut(checks)).toHaveLength(5);
});

it('has words for what it knows, and the name of anything else', () => {
  expect(['disk', 'qemu', 'toString', '__proto__'].map(areaInWords)).toEqual(['Disk', 'qemu', 'toString', '__proto__']);
});
