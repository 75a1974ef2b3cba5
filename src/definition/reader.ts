/** The reader of definition files that the faces use. */
import { resolve } from 'node:path';
import type { DefinitionReader } from '../core/ports/definition.js';
import { checkText } from './check.js';
import type { DefinitionFiles } from './files.js';
import { loadDefinitions } from './load.js';
import { printDefinition } from './print.js';

export interface DefinitionReaderOptions {
  readonly files: DefinitionFiles;
}

/** Makes a reader over a file system. It keeps nothing between calls. */
export function createDefinitionReader({ files }: DefinitionReaderOptions): DefinitionReader {
  return {
    parse(text, path) {
      const { definition, problems } = checkText(text, resolve(path));
      return definition === undefined ? { problems } : { definition, problems };
    },
    load: (path) => loadDefinitions(files, path),
    print: printDefinition,
  };
}
