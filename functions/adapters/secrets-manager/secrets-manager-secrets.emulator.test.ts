import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, test } from '@jest/globals';
import { emulatorSettings, newName } from '../../../tests/integration/emulator/emulator-clients.ts';
import { failBy } from '../../../tests/integration/emulator/failing-client.ts';
import { describeSecrets } from '../../domain/ports/secrets.contract.ts';
import { secretsManagerSecrets } from './secrets-manager-secrets.ts';

describeSecrets('secrets manager', async () => {
  const client = new SecretsManagerClient(emulatorSettings());
  const prefix = `${newName('signet')}/`;
  const known = { name: 'OPENAI_API_KEY', value: 'sk-known' };
  await client.send(new CreateSecretCommand({ Name: `${prefix}${known.name}`, SecretString: known.value }));
  return { secrets: secretsManagerSecrets({ client, prefix }), known, close: async () => client.destroy() };
});

test('a value that changes is seen after five minutes, one that appears at once', async () => {
  const client = new SecretsManagerClient(emulatorSettings());
  const prefix = `${newName('signet')}/`;
  let now = 0;
  const secrets = secretsManagerSecrets({ client, prefix, rules: { clock: () => now } });
  expect(await secrets.get('A_KEY')).toBeUndefined();
  await client.send(new CreateSecretCommand({ Name: `${prefix}A_KEY`, SecretString: 'one' }));
  expect(await secrets.get('A_KEY')).toBe('one');
  await client.send(new PutSecretValueCommand({ SecretId: `${prefix}A_KEY`, SecretString: 'two' }));
  now = 299_999;
  expect(await secrets.get('A_KEY')).toBe('one');
  now = 300_000;
  expect(await secrets.get('A_KEY')).toBe('two');
  client.destroy();
});

test('a store that does not answer is no store without secrets, and its error shows no value', async () => {
  const client = new SecretsManagerClient(emulatorSettings());
  let is_broken = true;
  failBy(client, () => (is_broken ? 'throttled' : undefined));
  const secrets = secretsManagerSecrets({ client, prefix: 'signet-none/', rules: { deadline_ms: 50 } });
  await expect(secrets.get('A_KEY')).rejects.toThrow('the secret store did not answer');
  is_broken = false;
  expect(await secrets.get('A_KEY')).toBeUndefined();
  client.destroy();
});
