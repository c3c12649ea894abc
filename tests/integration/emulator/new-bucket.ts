import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { newName } from './emulator-clients.ts';

/** An empty bucket; `remove` empties it first. */
export async function newBucket(client: S3Client): Promise<{ name: string; readonly remove: () => Promise<void> }> {
  const Bucket = newName('signet-bucket');
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    name: Bucket,
    async remove() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
      await Promise.all(Contents.map(({ Key }) => client.send(new DeleteObjectCommand({ Bucket, Key }))));
      await client.send(new DeleteBucketCommand({ Bucket }));
    },
  };
}
