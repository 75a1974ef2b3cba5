/** Logging, as the rest of Berth sees it; pino's own loggers fit. */
interface LogMethod {
  (facts: object, message?: string): void;
  (message: string): void;
}

export interface Log {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}
