/** Exit codes of every command; those of `verify` from 10 on come from its verdict. */
export const exits = {
  done: 0,
  failed: 1,
  usage: 2,
  time: 3,
  provider: 5,
  limit: 6,
  policy: 7,
  internal: 70,
  cancelled: 130,
} as const;

/** What a command cannot do, for one line on stderr: what was expected, what was there, what to do. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exit: number;

  constructor(facts: { exit: number; message: string }, options?: { cause?: unknown }) {
    super(facts.message, options);
    this.exit = facts.exit;
  }
}

/** Errors of a start that the owner can mend; their messages say how. */
const startErrors = [
  'HomeInUseError',
  'ListenRefusedError',
  'SettingsError',
  'KeyRefusedError',
  'IdentityBrokenError',
  'DatabaseRefusedError',
  'HomeRefusedError',
  'LockRefusedError',
  'GenesisRefusedError',
  'StageRefusedError',
  'UnknownKeyError',
  'RootElsewhereError',
];

/** What the system refuses where a home is written, and what to do. */
const systemErrors: Readonly<Record<string, string>> = {
  EACCES: 'it may not be written; start as its owner, or choose another with --home',
  EPERM: 'it may not be written; start as its owner, or choose another with --home',
  EROFS: 'it is on a read-only disk; choose another with --home',
  ENOSPC: 'the disk is full; make room and start again',
  ENOTDIR: 'a part of the path is no folder; choose another with --home',
  EEXIST: 'it is a file; choose another with --home',
};

/** Why a home does not open or serve, as a `CommandFailure`; what is not known is thrown as it is. */
export function startFailed(error: unknown, home: string): never {
  if (!(error instanceof Error)) throw error;
  if (startErrors.includes(error.name)) {
    const exit = error.name === 'SettingsError' ? exits.usage : exits.failed;
    throw new CommandFailure({ exit, message: error.message }, { cause: error });
  }
  if (error.name === 'TableUnavailableError' && error.cause instanceof Error) {
    throw new CommandFailure({ exit: exits.failed, message: error.cause.message }, { cause: error });
  }
  const advice = systemErrors[(error as NodeJS.ErrnoException).code ?? ''];
  if (advice === undefined) throw error;
  throw new CommandFailure({ exit: exits.failed, message: `expected a home at ${home}: ${advice}` }, { cause: error });
}

/** The exit code for an error code of the API. */
export function exitForCode(code: string): number {
  if (code.startsWith('provider_') || code === 'no_provider' || code === 'output_invalid') return exits.provider;
  if (code === 'policy_denied' || code === 'insufficient_quota') return exits.policy;
  if (code === 'run_timeout' || code === 'tool_timeout') return exits.time;
  if (['rate_limit_exceeded', 'queue_full', 'too_large', 'write_conflict'].includes(code)) return exits.limit;
  if (['invalid_request', 'invalid_json', 'unsupported_parameter', 'unsupported_media_type'].includes(code)) {
    return exits.usage;
  }
  return code === 'internal' ? exits.internal : exits.failed;
}
