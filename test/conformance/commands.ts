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
    case 'count': {
      const pad = '.'.repeat(program.width ?? 0);
      const line = `s = "line " i; print s substr("${pad}", length(s) + 1)`;
      return ['/bin/busybox', 'awk', `BEGIN { for (i = 1; i <= ${program.lines}; i++) { ${line} } }`];
    }
    case 'raw': {
      const bytes = `echo ${program.base64} | /bin/busybox base64 -d`;
      const long = `/bin/busybox head -c ${program.longLine} /dev/zero | /bin/busybox tr '\\000' x`;
      return shell(`${bytes}; ${long}; echo; printf %s end`);
    }
    case 'say': {
      const variables = program.variables.map((name) => `printf '<%s>\n' "$${name}"`);
      const script = ['for a in "$@"; do', `printf '<%s>\n' "$a"`, 'done', ...variables];
      return [...shell(script.join('\n')), 'say', ...program.arguments];
    }
    case 'tick':
      return shell(`trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo "tick $i"; sleep 0.2 & wait $!; done`);
  }
}
