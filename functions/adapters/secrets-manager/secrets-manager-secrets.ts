import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SecretsUnavailableError } from '../../domain/ports/secrets.ts';
import type { Secrets } from '../../domain/ports/secrets.ts';
import { CallFailedError, repeatCall, usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';

export interface SecretsManagerSecretsOptions {
  /** Made with `client_settings`: it must not repeat calls by itself. */
  readonly client: SecretsManagerClient;
  /** Such as `signet/dev/`; the stage's own secrets, and no others, are found. */
  readonly prefix: string;
  readonly rules?: Partial<RepeatRules>;
}

const cached_ms = 5 * 60_000;

/** Secrets whose values lie in AWS Secrets Manager under the stage's prefix; a value is remembered for five minutes. */
export function secretsManagerSecrets(options: SecretsManagerSecretsOptions): Secrets {
  const { client, prefix } = options;
  const rules = { ...usual_rules, ...options.rules };
  /** What was found, or is being looked up. What is not there is not remembered: somebody may be adding it. */
  const cache = new Map<string, { value: Promise<string | undefined>; until: number }>();

  async function read(name: string): Promise<string | undefined> {
    const command = new GetSecretValueCommand({ SecretId: `${prefix}${name}` });
    try {
      const { SecretString } = await repeatCall(() => client.send(command), { rules });
      return SecretString === '' ? undefined : SecretString;
    } catch (error) {
      if (isNamed(error, 'ResourceNotFoundException') || isDeleted(error)) return undefined;
      const retryable = error instanceof CallFailedError && error.failure !== 'permanent';
      throw new SecretsUnavailableError({ retryable }, { cause: error });
    }
  }

  return {
    async get(name) {
      if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)) return undefined;
      const known = cache.get(name);
      if (known !== undefined && known.until > rules.clock()) return known.value;
      const value = read(name);
      const entry = { value, until: rules.clock() + cached_ms };
      cache.set(name, entry);
      const forget = () => {
        if (cache.get(name) === entry) cache.delete(name);
      };
      value.then((text) => text === undefined && forget(), forget);
      return value;
    },
  };
}

/** Marked for deletion: still there for its owner, not for us. */
function isDeleted(error: unknown): boolean {
  return isNamed(error, 'InvalidRequestException') && /delet/i.test(String((error as CallFailedError).cause));
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof CallFailedError && error.cause instanceof Error && error.cause.name === name;
}
