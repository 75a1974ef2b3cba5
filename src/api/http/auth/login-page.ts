/** The login page: plain HTML that needs no script and loads nothing. Pure. */
import { createHash } from 'node:crypto';
import { ApiReply } from '../contract.js';
import { plainPageHeaders } from './security-headers.js';

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 12vh 1rem 2rem; max-width: 26rem; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
label { display: block; font-weight: 600; }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: .5rem .6rem; margin: .3rem 0 1rem; }
button { cursor: pointer; }
[role=alert] { border-left: .3rem solid #c5221f; padding: .3rem .8rem; }
code { font-size: .95em; }
`;

/** The form, with what went wrong before; null: nothing yet. */
export function loginForm(
  status: number,
  problem: string | null,
  headers: Readonly<Record<string, string>> = {},
): ApiReply {
  const alert = problem === null ? '' : `<p role="alert">${escapeHtml(problem)}</p>`;
  return page(
    status,
    'Log in to Berth',
    `<h1>Log in to Berth</h1>
${alert}
<form method="post" action="/login">
<label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password" spellcheck="false">
<button type="submit">Log in</button>
</form>
<p>On the machine itself, <code>berth login</code> prints a link that needs no token, and
<code>berth token show</code> prints the token.</p>`,
    headers,
  );
}

/**
 * What a login link leads to. Not a redirect: one that another site's link began would be sent without the new cookie,
 * for that is what `SameSite=Strict` means. What this page begins itself is of this site.
 */
export function loggedInPage(setCookie: string): ApiReply {
  const body = '<h1>You are logged in</h1>\n<p><a href="/">Open the dashboard</a></p>';
  return page(
    200,
    'Logged in to Berth',
    body,
    { 'set-cookie': setCookie },
    '<meta http-equiv="refresh" content="0; url=/">',
  );
}

function page(
  status: number,
  title: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  head = '',
): ApiReply {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
${head}
<style>${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
  const styleHash = createHash('sha256').update(style).digest('base64');
  return new ApiReply(status, html, {
    'content-type': 'text/html; charset=utf-8',
    ...plainPageHeaders(styleHash),
    ...headers,
  });
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
