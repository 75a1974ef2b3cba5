export { createGate, requireAccess } from './gate.js';
export type { Gate, GateOptions, GateRequest, LoginLink } from './gate-types.js';
export { securityHeaders } from './security-headers.js';
export { nodeTokenAccess } from './token-access.js';
export { createTokenKeeper, type TokenKeeper } from './token-keeper.js';
export { createTokenStore, type TokenStore } from './token-store.js';
