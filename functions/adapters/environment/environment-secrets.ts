import type { Secrets } from '../../domain/ports/secrets.ts';

/**
 * Secrets that the owner set in the environment: `OPENAI_API_KEY` is read as it is named. Only upper-case names of
 * environment form are looked up; anything else, and a variable that is set but empty, is no secret.
 */
export function environmentSecrets({
  environment,
}: {
  environment: Readonly<Record<string, string | undefined>>;
}): Secrets {
  return {
    async get(name) {
      if (!/^[A-Z][A-Z0-9_]{0,127}$/.test(name) || !Object.hasOwn(environment, name)) return undefined;
      const value = environment[name];
      return value === '' ? undefined : value;
    },
  };
}
