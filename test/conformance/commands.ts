/** What the programs of the suite are in the test image: scripts for busybox. */
import { sleepScript } from '../support/podman-image.js';
import type { TestProgram } from './fixture.js';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
export const shell = (script: string): readonly string[] => ['/bin/sh', '-c', script];

export function commandOf(program: TestProgram): readonly string[] {
  switch (program.does) {
    case 'sleep':
      return shell(sleepScript);
    case 'exit':
      return shell(`exit ${program.code}`);
    case 'ignore-term':
      return shell("trap '' TERM; while :; do sleep 1; done");
    case 'print': {
      const lines = program.lines.map((line) => `echo ${quoted(line)}`);
      const errorLines = (program.errorLines ?? []).map((line) => `echo ${quoted(line)} >&2`);
      const unfinished = program.unfinished === undefined ? [] : [`printf %s ${quoted(program.unfinished)}`];
      const last = program.then === 'exit' ? 'exit 0' : sleepScript;
      return shell([...lines, ...errorLines, ...unfinished, last].join('\n'));
    }
    case 'count':
      return shell(`i=1; while [ $i -le ${program.lines} ]; do echo "line $i"; i=$((i+1)); done`);
    case 'tick':
      return shell(`trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo "tick $i"; sleep 0.2 & wait $!; done`);
  }
}
