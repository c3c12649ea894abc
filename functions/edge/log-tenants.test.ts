import { expect, test } from '@jest/globals';
import { testCall } from '../../tests/fixtures/open-test-node.ts';
import { logEndpoints } from './routes/log.ts';
import { recordedServices } from './testing/recorded-services.ts';

test.each([
  ['acme', 'tile/entries/000.p/1', false],
  ['acme', 'tile/0/000.p/1', true],
  ['acme', 'checkpoint', true],
  ['default', 'tile/entries/000.p/1', true],
])('a key of tenant %s asks for %s: served %s', async (tenant, path, isServed) => {
  const [endpoint] = logEndpoints;
  const file = () => Promise.resolve({ bytes: new Uint8Array(1), is_immutable: true });
  const services = { ...recordedServices(), ledger: { file, bundle: () => ({}) } };
  const input = { services, call: testCall({ tenant }), params: { path } };
  const answer = endpoint?.handle({ ...unused, ...input });
  if (isServed) expect(await answer).toMatchObject({ kind: 'bytes', status: 200 });
  else await expect(answer).rejects.toMatchObject({ code: 'not_found' });
});

const unused = {
  limits: {} as never,
  query: undefined,
  body: undefined,
  bearer: '',
  origin: () => '',
  header: () => undefined,
};
