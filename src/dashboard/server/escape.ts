/** Texts inside of HTML: whatever a name or a message holds, it stays text. Pure. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** For texts between tags and values in quotes. Control characters, which HTML does not allow, become U+FFFD. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"'`]/g, (sign) => entities[sign] ?? sign)
    .replace(/\p{Cc}/gu, (sign) => ('\t\n\r'.includes(sign) ? sign : '\ufffd'));
}
