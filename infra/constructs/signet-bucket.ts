import { type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { allow, type Bindable } from './bindable.ts';
import { removalOf } from './removal.ts';

/** `content`: read, write and delete below `content/`. `log`: read what is published. `seal`: publish it. */
export type BucketRight = 'content' | 'log' | 'seal';

/**
 * The one bucket. Old versions and broken uploads go by themselves; `staging/` has no rule on purpose: an object there
 * may be the only copy of a log's next tiles, and the sealer deletes it when no row names it any more.
 */
export class SignetBucket extends Construct implements Bindable<BucketRight> {
  readonly bucket: Bucket;
  readonly variables: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, { config }: { readonly config: StageConfig }) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [
        { id: 'old-versions', noncurrentVersionExpiration: Duration.days(config.old_version_days) },
        { id: 'deletion-marks', expiredObjectDeleteMarker: true },
        { id: 'broken-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: removalOf(config),
    });
    this.variables = { SIGNET_BUCKET: this.bucket.bucketName };
  }

  /** Listing the bucket is part of each: without it S3 answers 403 where an object is missing, as if a right were lost. */
  statements(right: BucketRight): readonly PolicyStatement[] {
    const list = allow(['s3:ListBucket'], [this.bucket.bucketArn]);
    const { actions, prefixes } = rights[right];
    return [
      allow(
        actions,
        prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}/*`)),
      ),
      list,
    ];
  }
}

const changes = ['s3:DeleteObject', 's3:GetObject', 's3:PutObject'];
const rights: Readonly<
  Record<BucketRight, { readonly actions: readonly string[]; readonly prefixes: readonly string[] }>
> = {
  content: { actions: changes, prefixes: ['content'] },
  log: { actions: ['s3:GetObject'], prefixes: ['log'] },
  seal: { actions: changes, prefixes: ['log', 'staging'] },
};
