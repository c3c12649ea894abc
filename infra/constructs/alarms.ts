import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic, Subscription, SubscriptionProtocol } from 'aws-cdk-lib/aws-sns';
import { Aws, Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import type { JobQueue } from './job-queue.ts';
import type { SignetFunction } from './signet-function.ts';

export interface AlarmsProps {
  readonly config: StageConfig;
  readonly functions: readonly SignetFunction[];
  readonly api: RestApi;
  readonly runs: JobQueue;
  readonly ledger: JobQueue;
}

interface Rule {
  readonly id: string;
  readonly says: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Above the threshold is bad, or below it. */
  readonly bad?: 'above' | 'below';
  /** Periods of the metric in a row. */
  readonly periods?: number;
  readonly missing?: TreatMissingData;
}

const five_minutes = Duration.minutes(5);
const one_hour = Duration.hours(1);
const ledger_behind_s = 300;

/** Everything that a person should look at, told to one topic. */
export class Alarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { config } = props;
    this.topic = new Topic(this, 'Topic', { displayName: `signet ${config.stage}`, enforceSSL: true });
    this.letAlarmsPublish();
    if (config.alarms.email !== undefined) {
      new Subscription(this, 'Email', {
        topic: this.topic,
        protocol: SubscriptionProtocol.EMAIL,
        endpoint: config.alarms.email,
      });
    }
    for (const rule of rulesOf(props)) this.watch(rule, config.stage);
  }

  /** The topic's policy (it refuses plain HTTP) takes the place of AWS's own, which let the account's alarms in. */
  private letAlarmsPublish(): void {
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsPublish',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
  }

  private watch(rule: Rule, stage: string): void {
    const alarm = new Alarm(this, rule.id, {
      alarmName: `signet-${stage}-${rule.id}`,
      alarmDescription: rule.says,
      metric: rule.metric,
      threshold: rule.threshold,
      evaluationPeriods: rule.periods ?? 1,
      comparisonOperator:
        rule.bad === 'below' ? ComparisonOperator.LESS_THAN_THRESHOLD : ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: rule.missing ?? TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction({ bind: () => ({ alarmActionArn: this.topic.topicArn }) });
  }
}

function rulesOf({ config, functions, api, runs, ledger }: AlarmsProps): readonly Rule[] {
  const limits = config.alarms;
  const perFunction = functions.flatMap(({ name, function: lambda }): Rule[] => [
    {
      id: `${name}-errors`,
      says: `${name} ended with an error: its log tells which`,
      metric: lambda.metricErrors({ period: five_minutes, statistic: 'Sum' }),
      threshold: 0,
    },
    {
      id: `${name}-throttles`,
      says: `${name} was refused a machine: the account's concurrency is used up`,
      metric: lambda.metricThrottles({ period: five_minutes, statistic: 'Sum' }),
      threshold: 0,
    },
  ]);
  const named = (name: string) => {
    const found = functions.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`expected a function \`${name}\` to watch`);
    return found.function;
  };
  return [
    ...perFunction,
    {
      id: 'serve-api-slow',
      says: 'one request in a hundred takes longer than it should, streams to their end included',
      metric: named('serve-api').metricDuration({ period: five_minutes, statistic: 'p99' }),
      threshold: limits.serve_api_p99_ms,
      periods: 3,
    },
    {
      id: 'api-failures',
      says: 'the API answered with 5xx',
      metric: api.metricServerError({ period: five_minutes, statistic: 'Sum' }),
      threshold: 0,
    },
    {
      id: 'runs-age',
      says: 'the oldest waiting job is older than it should be: nobody advances jobs, or too few',
      metric: runs.queue.metricApproximateAgeOfOldestMessage({ period: five_minutes, statistic: 'Maximum' }),
      threshold: limits.oldest_message_s,
    },
    {
      id: 'runs-dead-letters',
      says: 'a job could not be worked on: its message is in the dead letters with its reason',
      metric: runs.deadLetters.queue.metricApproximateNumberOfMessagesVisible({
        period: five_minutes,
        statistic: 'Maximum',
      }),
      threshold: 0,
    },
    {
      id: 'ledger-age',
      says: 'the log was to grow five minutes ago: the sealer does not take its wake-ups, or cannot seal',
      metric: ledger.queue.metricApproximateAgeOfOldestMessage({ period: five_minutes, statistic: 'Maximum' }),
      threshold: ledger_behind_s,
    },
    {
      id: 'ledger-dead-letters',
      says: 'the sealer ended with every delivery of a wake-up: its log tells why the log is halted',
      metric: ledger.deadLetters.queue.metricApproximateNumberOfMessagesVisible({
        period: five_minutes,
        statistic: 'Maximum',
      }),
      threshold: 0,
    },
    {
      id: 'sweep-missing',
      says: 'what is due is not looked for: the schedule does not start sweep-due',
      metric: named('sweep-due').metricInvocations({ period: five_minutes, statistic: 'Sum' }),
      threshold: 1,
      bad: 'below',
      periods: 2,
      missing: TreatMissingData.BREACHING,
    },
    {
      id: 'signs-per-hour',
      says: "the node's key is asked for more often than sessions need it",
      metric: named('sign-envelope').metricInvocations({ period: one_hour, statistic: 'Sum' }),
      threshold: limits.signs_per_hour,
    },
  ];
}
