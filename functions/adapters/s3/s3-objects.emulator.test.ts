import { S3Client } from '@aws-sdk/client-s3';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { newBucket } from '../../../tests/integration/emulator/new-bucket.ts';
import { describeObjects } from '../../domain/ports/objects.contract.ts';
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
