import { DeleteObjectCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { emptyBucket } from '../../../scripts/empty-bucket.mjs';
import { emulatorSettings } from './emulator-clients.ts';
import { newBucket } from './new-bucket.ts';

test('every version and every mark of a deletion goes, and then there is nothing to do', async () => {
  const client = new S3Client(emulatorSettings());
  const { name: Bucket, remove } = await newBucket(client);
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  for (const Key of ['content/a', 'content/a', 'content/b', 'content/c d?e']) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  }
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'content/a' }));
  expect(await emptyBucket({ client, bucket: Bucket })).toBe(5);
  expect(await emptyBucket({ client, bucket: Bucket })).toBe(0);
  await remove();
  client.destroy();
});
