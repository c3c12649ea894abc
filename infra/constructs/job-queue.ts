import { type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { allow, type Bindable } from './bindable.ts';
import { sendingRights } from './emulator-rights.ts';

/** Deliveries before SQS itself gives up: for workers that crash. A worker that knows better buries at once. */
const deliveries_max = 25;
const message_bytes_max = 1_048_576;

/** A queue with its dead letters. A message wakes, and names a job at most; rows know what is to be done. */
export class JobQueue extends Construct implements Bindable<'send' | 'receive'> {
  readonly queue: Queue;
  readonly deadLetters: DeadLetters;
  readonly variables: Readonly<Record<string, string>>;
  private readonly sends: readonly string[];

  /**
   * @param props.worker_timeout_s of the function that reads it: a message stays hidden for six times as long
   * @param props.delay_s present for a queue that keeps the order of groups, and takes messages that carry the same name
   *   once: each is delivered so long after it was sent
   */
  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly config: StageConfig;
      readonly name: string;
      readonly worker_timeout_s: number;
      readonly delay_s?: number;
    },
  ) {
    super(scope, id);
    const { config } = props;
    this.sends = sendingRights(config);
    const order = props.delay_s === undefined ? {} : { fifo: true };
    this.deadLetters = new DeadLetters(this, 'DeadLetters', { config, name: `${props.name}-dlq`, ...order });
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      maxMessageSizeBytes: message_bytes_max,
      visibilityTimeout: Duration.seconds(6 * props.worker_timeout_s),
      retentionPeriod: Duration.days(4),
      ...order,
      ...(props.delay_s === undefined ? {} : { deliveryDelay: Duration.seconds(props.delay_s) }),
      deadLetterQueue: { queue: this.deadLetters.queue, maxReceiveCount: deliveries_max },
    });
    this.variables = { [variableOf(props.name)]: this.queue.queueUrl };
  }

  statements(right: 'send' | 'receive'): readonly PolicyStatement[] {
    return [allow(right === 'send' ? this.sends : receives, [this.queue.queueArn])];
  }
}

/** Where messages end that nobody could work on. They wait two weeks for a person. */
export class DeadLetters extends Construct implements Bindable<'bury'> {
  readonly queue: Queue;
  readonly variables: Readonly<Record<string, string>>;
  private readonly sends: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    { config, name, fifo }: { readonly config: StageConfig; readonly name: string; readonly fifo?: boolean },
  ) {
    super(scope, id);
    this.sends = sendingRights(config);
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      maxMessageSizeBytes: message_bytes_max,
      retentionPeriod: Duration.days(14),
      ...(fifo === true ? { fifo } : {}),
    });
    this.variables = { [variableOf(name)]: this.queue.queueUrl };
  }

  statements(_right: 'bury'): readonly PolicyStatement[] {
    return [allow(this.sends, [this.queue.queueArn])];
  }
}

/** What Lambda's poller does with the function's role, and what the function does with a message it holds. */
const receives = ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'];

function variableOf(name: string): string {
  return `SIGNET_QUEUE_${name.toUpperCase().replaceAll('-', '_')}`;
}
