/** Numbers, times and values as people read them. Pure: the time is an argument. */

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A length of time in its largest unit: `45 s`, `3 min`, `2 h`, `5 d`; below a second `0 s`. */
export function duration(lengthMs: number): string {
  for (const [unit, unitMs] of units) {
    if (lengthMs >= unitMs) return `${Math.floor(lengthMs / unitMs)} ${unit}`;
  }
  return '0 s';
}

/** `3 min ago`, `in 3 min`, `now`; `never` for null and for what is no time. */
export function ago(at: string | null, nowMs: number): string {
  const atMs = at === null ? Number.NaN : Date.parse(at);
  if (Number.isNaN(atMs)) return 'never';
  const pastMs = nowMs - atMs;
  if (Math.abs(pastMs) < 1_000) return 'now';
  return pastMs > 0 ? `${duration(pastMs)} ago` : `in ${duration(-pastMs + 999)}`;
}

/** Time of day as the browser's place has it, with the date when it is another day. */
export function clock(at: string, nowMs: number): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return at;
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const hours = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return new Date(nowMs).toDateString() === time.toDateString() ? hours : `${day} ${hours}`;
}

/** As `clock`, with milliseconds. */
export function clockMs(at: string, nowMs: number): string {
  const ms = new Date(at).getMilliseconds();
  return Number.isNaN(ms) ? at : `${clock(at, nowMs)}.${String(ms).padStart(3, '0')}`;
}

/** A message with the times in it as `clock` tells them. */
export function easyTimes(message: string, nowMs: number): string {
  return message.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (at) => clock(at, nowMs));
}

/** Any JSON value in one line; `longest` characters at most. */
export function value(of: unknown, longest = 200): string {
  if (of === null || of === undefined) return '–';
  const text = typeof of === 'string' ? of : JSON.stringify(of);
  if (text === '') return '""';
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

/** `1 restart`, `2 restarts`. */
export function count(of: number, singular: string, plural = `${singular}s`): string {
  return `${of} ${of === 1 ? singular : plural}`;
}
