/** Everything SQL: what the rest of Berth may use of it. */
export { acquireAgentLock, readAgentHolder, type AgentHolder, type AgentInfo } from './agent-lock.js';
export { editBySql, imageOf } from './by-hand.js';
export {
  backupRegistry,
  checkRegistry,
  restoreRegistry,
  type BackupOptions,
  type RegistryCheck,
  type RestoreOptions,
  type RestoreResult,
} from './maintenance.js';
export { readLastCopy } from './last-copy.js';
export { migrateRegistry, type MigrateOptions, type MigrationResult } from './migrate.js';
export { openRegistry, type OpenOptions } from './open.js';
export { retention, type Retention } from './retention.js';
export { storageError, type ConnectionRole, type StorageHooks, type StorageOperation } from './storage.js';
