import { SQSClient } from '@aws-sdk/client-sqs';
import { client_settings } from '../adapters/aws/client-settings.ts';
import { recordGraves, type RecordGraves } from '../adapters/sqs/event-records.ts';
import type { EnvironmentOf } from './read-cloud-environment.ts';

/** Where `advance-run` buries messages that are no wake-ups. */
export function openLetters({ queue_runs_dlq }: EnvironmentOf<'advance-run'>): RecordGraves {
  return recordGraves({ client: new SQSClient(client_settings), dead_letter_url: queue_runs_dlq, now: Date.now });
}
