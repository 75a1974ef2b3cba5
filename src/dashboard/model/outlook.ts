/** What runs out, as `doctor` tells it, in the order and the words that people read. Pure. */
import type { DoctorCheck } from '../../api/views.js';

const areaWords: ReadonlyMap<string, string> = new Map([
  ['disk', 'Disk'],
  ['memory', 'Memory'],
  ['certificates', 'Certificate'],
  ['backups', 'Backup'],
  ['holds', 'Held'],
  ['tries', 'Given up'],
]);

/** What a line begins with. */
export function areaInWords(area: string): string {
  return areaWords.get(area) ?? area;
}

const levels: readonly DoctorCheck['level'][] = ['error', 'warning', 'ok'];

/** What is not as it should be, worst first; `isTold`: names of components whose trouble stands elsewhere already. */
export function runningOut(
  checks: readonly DoctorCheck[],
  isTold: (name: string) => boolean = () => false,
): readonly DoctorCheck[] {
  return checks
    .filter(({ level, area, name }) => level !== 'ok' && !((area === 'tries' || area === 'registry') && isTold(name)))
    .sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
}
