import { type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { allow, type Bindable } from './bindable.ts';
import { removalOf } from './removal.ts';

/**
 * The one bucket. Old versions and broken uploads go by themselves; `staging/` has no rule on purpose: an object there
 * may be the only copy of a log's next tiles, and the sealer deletes it when no row names it any more.
 */
export class SignetBucket extends Construct implements Bindable<'content'> {
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

  /**
   * `content`: read, write and delete below `content/`. Listing the bucket is part of it, for without that right S3
   * answers 403 where an object is missing, and a missing object could not be told from a lost right.
   */
  statements(right: 'content'): readonly PolicyStatement[] {
    return [
      allow(['s3:DeleteObject', 's3:GetObject', 's3:PutObject'], [this.bucket.arnForObjects(`${right}/*`)]),
      allow(['s3:ListBucket'], [this.bucket.bucketArn]),
    ];
  }
}
