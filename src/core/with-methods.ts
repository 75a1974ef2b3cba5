/** The same object with some methods of one's own, whoever made it and whatever it keeps private. Pure. */

/** `target` in all but `methods`. What is not replaced runs on `target` itself, as its private members want. */
export function withMethods<T extends object>(target: T, methods: Partial<T>): T {
  const bound = new Map<PropertyKey, unknown>();
  // Over nothing: what a proxy says of frozen members of its own target, it may not change.
  return new Proxy({} as T, {
    get(_nothing, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name) as unknown;
      const known = bound.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const method: unknown = value.bind(target);
      bound.set(name, method);
      return method;
    },
    has: (_nothing, name) => Reflect.has(target, name),
  });
}
