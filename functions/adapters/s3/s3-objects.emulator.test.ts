import { S3Client } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { newBucket } from '../../../tests/integration/emulator/new-bucket.ts';
import { failBy, seededPlan } from '../../../tests/integration/emulator/failing-client.ts';
import { describeObjects } from '../../domain/ports/objects.contract.ts';
import { ObjectsUnavailableError } from '../../domain/ports/objects.ts';
import { s3Objects } from './s3-objects.ts';

describeObjects('s3', async () => {
  const client = new S3Client({ ...emulatorSettings(), forcePathStyle: true });
  const { name, remove } = await newBucket(client);
  return {
    objects: s3Objects({ client, bucket: name }),
    async close() {
      await remove();
      client.destroy();
    },
  };
});

describeObjects('s3 that throttles, breaks and loses answers', async () => {
  const maker = new S3Client({ ...emulatorSettings(), forcePathStyle: true });
  const { name, remove } = await newBucket(maker);
  const client = new S3Client({ ...emulatorSettings(), forcePathStyle: true });
  const { faults } = failBy(client, seededPlan({ one_in: 6 }));
  return {
    objects: s3Objects({ client, bucket: name, rules: { wait_ms_base: 2, wait_ms_max: 50, deadline_ms: 20_000 } }),
    async close() {
      expect([...faults.keys()].toSorted()).toEqual(['broken', 'throttled', 'unheard', 'unsent']);
      await remove();
      client.destroy();
      maker.destroy();
    },
  };
});

test('a bucket that is not there, or does not answer, is unavailable', async () => {
  const client = new S3Client({ ...emulatorSettings(), forcePathStyle: true });
  const none = s3Objects({ client, bucket: 'signet-none' });
  await expect(none.put('a', new Uint8Array())).rejects.toMatchObject({ operation: 'put', retryable: false });
  await expect(none.list({ prefix: '', limit: 1 })).rejects.toThrow(ObjectsUnavailableError);
  failBy(client, () => 'broken');
  const busy = s3Objects({ client, bucket: 'signet-none', rules: { deadline_ms: 100 } });
  await expect(busy.get('a')).rejects.toMatchObject({ operation: 'get', retryable: true });
  client.destroy();
});

test('a key may hold what XML cannot', async () => {
  const client = new S3Client({ ...emulatorSettings(), forcePathStyle: true });
  const { name, remove } = await newBucket(client);
  const objects = s3Objects({ client, bucket: name });
  const keys = ['a\u0001b', 'a b', 'a%20b', 'a&<b>', 'a+b'];
  for (const key of keys) await objects.put(key, new Uint8Array());
  expect((await objects.list({ prefix: 'a', limit: 10 })).keys.toSorted()).toEqual(keys.toSorted());
  await remove();
  client.destroy();
});
