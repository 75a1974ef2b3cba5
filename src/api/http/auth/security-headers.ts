/** Headers that every answer bears, so that a browser keeps to what the page needs. Pure. */

/** What everything is answered with, pages and API alike. */
const always: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not `no-referrer`: under it a form says `Origin: null`, and could not be told from one of another site.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

const shut = "frame-ancestors 'none'; base-uri 'none'";

const policies = {
  /** Answers to programs: nothing in them is to be run or shown by a browser. */
  api: `default-src 'none'; ${shut}; form-action 'none'`,
  /** The dashboard and the pages of the API: everything from here, no inline script or style. */
  page: `default-src 'self'; img-src 'self' data:; object-src 'none'; ${shut}; form-action 'self'`,
} as const;

/**
 * The headers of an answer. `api` is never kept by a cache, nor is `page`; `asset` has no `cache-control`: whoever
 * serves it knows how long it holds.
 */
export function securityHeaders(kind: 'api' | 'page' | 'asset'): Readonly<Record<string, string>> {
  const policy = { 'content-security-policy': kind === 'api' ? policies.api : policies.page };
  return kind === 'asset' ? { ...always, ...policy } : { ...always, ...policy, 'cache-control': 'no-store' };
}

/** Of a page that runs nothing and loads nothing, and has one inline style with this hash. */
export function plainPageHeaders(styleHash: string): Readonly<Record<string, string>> {
  return {
    ...always,
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; ${shut}; form-action 'self'`,
    'cache-control': 'no-store',
  };
}
