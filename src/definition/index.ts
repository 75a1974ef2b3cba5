/** Definition files: reading, checking, printing and watching them. */
export { nodeFiles, type DefinitionFiles, type FileLook } from './files.js';
export { createDefinitionReader } from './reader.js';
export { definitionJsonSchema } from './schema.js';
export { watchDefinitions, type DefinitionWatcher } from './watch.js';
