/** `berth doctor` */
import type { DoctorCheck } from '../../api/views.js';
import type { CommandRun } from '../invocation.js';
import type { Tone } from '../output/styles.js';
import { cell, formatTable } from '../output/table.js';

const tones: Readonly<Record<DoctorCheck['level'], Tone>> = { ok: 'good', warning: 'warn', error: 'bad' };

/** Shows what works here and what does not, with the remedy. Exit 1 when something keeps Berth from working. */
export const run: CommandRun = async (invocation) => {
  const client = await invocation.connect();
  const report = await client.doctor();
  if (invocation.json) invocation.printJson(report);
  else {
    const rows = report.checks.map((check) => [
      cell(check.area),
      cell(check.name),
      cell(check.level, tones[check.level]),
      cell(check.detail),
    ]);
    invocation.print(formatTable(['AREA', 'CHECK', 'RESULT', 'FOUND'], rows, invocation.styles));
    for (const check of report.checks) {
      if (check.remedy !== null)
        invocation.print(`${check.area} ${check.name}: ${invocation.styles.paint('warn', check.remedy)}`);
    }
  }
  return report.ok ? 0 : 1;
};
