import { RemovalPolicy } from 'aws-cdk-lib/core';
import type { StageConfig } from '../config.ts';

/** What becomes of data and keys when their stack is deleted. */
export function removalOf(config: StageConfig): RemovalPolicy {
  return config.keeps_data ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}
