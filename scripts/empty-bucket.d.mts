import type { S3Client } from '@aws-sdk/client-s3';

export function destroyWithBucket(request: {
  destroy: () => Promise<unknown>;
  bucket: string | undefined;
  empty: (bucket: string) => Promise<number>;
  say: (line: string) => void;
}): Promise<void>;

export function emptyBucket(request: { client: S3Client; bucket: string }): Promise<number>;
