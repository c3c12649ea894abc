import pino from 'pino';

export interface NodeLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** One JSON object a line on standard error. Names that carry secrets are cut out wherever they stand. */
export function nodeLog(level: string): NodeLog {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: pino.stdSerializers.err, cause: pino.stdSerializers.err },
      redact: { paths: ['authorization', '*.authorization', 'token', '*.token', 'api_key', '*.api_key'], remove: true },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
