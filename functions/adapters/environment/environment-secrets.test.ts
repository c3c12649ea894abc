import { expect, test } from '@jest/globals';
import { describeSecrets } from '../../domain/ports/secrets.contract.ts';
import { environmentSecrets } from './environment-secrets.ts';

describeSecrets('environment', async () => ({
  secrets: environmentSecrets({ environment: { OPENAI_API_KEY: 'sk-known', PATH: '/bin' } }),
  known: { name: 'OPENAI_API_KEY', value: 'sk-known' },
  close: async () => undefined,
}));

test('a variable that is set but empty is no secret', async () => {
  expect(await environmentSecrets({ environment: { A_KEY: '', B_KEY: undefined } }).get('A_KEY')).toBeUndefined();
});

test('a value that changes is seen at once', async () => {
  const environment: Record<string, string> = { A_KEY: 'one' };
  const secrets = environmentSecrets({ environment });
  environment['A_KEY'] = 'two';
  expect(await secrets.get('A_KEY')).toBe('two');
});
