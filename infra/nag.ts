import type { IConstruct } from 'constructs';
import { AwsSolutionsChecks } from 'cdk-nag';

/** Why findings of cdk-nag's rules for AWS solutions are not followed. */
export const nagReasons: readonly NagReason[] = [
  {
    rule: 'AwsSolutions-S1',
    of: /-State\/Bucket\//,
    because: 'what was read of a user stands in receipts; a bucket of access logs would hold the same keys again',
  },
  {
    rule: 'AwsSolutions-IAM4',
    of: /-State\/ApiLogRole\/Role\//,
    because: 'API Gateway compares the role of its account setting with this policy and takes no narrower one',
  },
  {
    rule: 'AwsSolutions-IAM5',
    finding: /^Resource::\*$/,
    of: /-App\/\w+\/Role\/DefaultPolicy\//,
    because: 'X-Ray has no resources: its two write actions take `*` alone',
  },
  {
    rule: 'AwsSolutions-IAM5',
    finding: /\/content\/\*$/,
    of: /-App\/(ServeApi|AdvanceRun)\/Role\/DefaultPolicy\//,
    because: 'objects are named by digests; the prefix is what keeps the rest of the bucket away',
  },
  {
    rule: 'AwsSolutions-IAM5',
    finding: /\/(log|staging)\/\*$/,
    of: /-App\/(ServeApi|AdvanceRun|SealLedger)\/Role\/DefaultPolicy\//,
    because: 'tiles are named by their place in the log; the prefix is what keeps the rest of the bucket away',
  },
  {
    rule: 'AwsSolutions-IAM5',
    finding: /:secret:signet\/[a-z0-9-]+\/\*$/,
    of: /-App\/(ServeApi|AdvanceRun)\/Role\/DefaultPolicy\//,
    because: "the owner names secrets, and AWS adds six characters to each name; the prefix is the stage's own",
  },
  {
    rule: 'AwsSolutions-APIG2',
    of: /-App\/Api\//,
    because: 'the function reads every body with its own strict parser and schema',
  },
  {
    rule: 'AwsSolutions-APIG3',
    of: /-App\/Api\//,
    because: 'a firewall costs money each month: `api.web_acl_arn` puts one before the API',
  },
  {
    rule: 'AwsSolutions-APIG4',
    of: /-App\/Api\//,
    because: 'the function checks keys and policy itself, so that a refusal leaves a receipt',
  },
  {
    rule: 'AwsSolutions-APIG6',
    of: /-App\/Api\//,
    because: 'execution logs hold bodies and keys; the access log tells of every request',
  },
  {
    rule: 'AwsSolutions-COG4',
    of: /-App\/Api\//,
    because: 'callers are programs with API keys of the node, not users of a pool',
  },
];

export interface NagReason {
  readonly rule: string;
  /** What the rule found, where one rule finds several things. */
  readonly finding?: RegExp;
  /** Path of the construct. */
  readonly of: RegExp;
  readonly because: string;
}

/** What cdk-nag finds in the constructs of `scope`: findings without a reason, and the reasons that were used. */
export function nag(scope: IConstruct): {
  readonly unanswered: readonly string[];
  readonly used: ReadonlySet<NagReason>;
} {
  const used = new Set<NagReason>();
  const unanswered: string[] = [];
  for (const { ruleName, violatingResources, description } of new AwsSolutionsChecks().validateScope(scope)
    .violations) {
    const [, rule = ruleName, finding = ''] = /^([^[]+)(?:\[(.*)\])?$/s.exec(ruleName) ?? [];
    for (const resource of violatingResources) {
      const constructPath = pathOf(resource);
      const reason = nagReasons.find(
        (candidate) =>
          candidate.rule === rule && candidate.of.test(constructPath) && (candidate.finding?.test(finding) ?? true),
      );
      if (reason === undefined) unanswered.push(`${constructPath}: ${ruleName}: ${description}`);
      else used.add(reason);
    }
  }
  return { unanswered, used };
}

/** The packs of cdk-nag name the construct; the type they declare knows only resources of a template. */
function pathOf(resource: object): string {
  return 'constructPath' in resource && typeof resource.constructPath === 'string' ? resource.constructPath : '';
}
