import type { Resource, Template, Templates } from './templates-of.ts';

/** Where the templates are thought to be deployed. */
export const place = { account: '111122223333', region: 'eu-central-1' };

/**
 * What CloudFormation would make of a value: functions and references become names and ARNs, those of physical names
 * that only AWS chooses become logical ids.
 * @throws for a function or an attribute that it does not know: a rule must never judge half of a value
 */
export function resolveIn(templates: Templates, template: Template) {
  return function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const [name = '', argument] = Object.entries(value)[0] ?? [];
    switch (name) {
      case 'Ref':
        return ofReference(String(argument));
      case 'Fn::GetAtt':
        return ofAttribute(argument);
      case 'Fn::ImportValue':
        return ofExport(argument);
      case 'Fn::Join': {
        const [glue, parts] = argument as [string, unknown[]];
        return parts.map(resolve).join(glue);
      }
      default:
        if (name.startsWith('Fn::')) throw new Error(`expected a known function, got ${name}`);
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
    }
  };

  function ofReference(id: string): string {
    switch (id) {
      case 'AWS::Partition':
        return 'aws';
      case 'AWS::Region':
        return place.region;
      case 'AWS::AccountId':
        return place.account;
      case 'AWS::URLSuffix':
        return 'amazonaws.com';
      default:
        return nameOf(id, resourceOf(id));
    }
  }

  function ofAttribute(argument: unknown): string {
    const [id, attribute] = argument as [string, string];
    const resource = resourceOf(id);
    if (attribute === 'QueueName') return id;
    if (attribute !== 'Arn') throw new Error(`expected a known attribute, got ${id}.${attribute}`);
    return arnOf(id, resource);
  }

  function ofExport(argument: unknown): unknown {
    const found = Object.values(templates.state.Outputs).find(
      ({ Export }) => typeof Export === 'object' && Export !== null && 'Name' in Export && Export.Name === argument,
    );
    if (found === undefined) throw new Error(`expected the State stack to export ${String(argument)}`);
    return resolveIn(templates, templates.state)(found.Value);
  }

  function resourceOf(id: string): Resource {
    const resource = template.Resources[id];
    if (resource === undefined) throw new Error(`expected a resource ${id}`);
    return resource;
  }

  function nameOf(id: string, { Type, Properties }: Resource): string {
    const given = { 'AWS::Lambda::Function': 'FunctionName', 'AWS::Logs::LogGroup': 'LogGroupName' }[Type];
    if (given !== undefined && typeof Properties[given] === 'string') return Properties[given];
    if (Type === 'AWS::SNS::Topic') return arnOf(id, { Type, Properties });
    if (Type === 'AWS::SQS::Queue') return `https://sqs.${place.region}.amazonaws.com/${place.account}/${id}`;
    return id;
  }

  function arnOf(id: string, resource: Resource): string {
    const here = `${place.region}:${place.account}`;
    switch (resource.Type) {
      case 'AWS::DynamoDB::Table':
        return `arn:aws:dynamodb:${here}:table/${id}`;
      case 'AWS::S3::Bucket':
        return `arn:aws:s3:::${id}`;
      case 'AWS::SQS::Queue':
        return `arn:aws:sqs:${here}:${id}`;
      case 'AWS::KMS::Key':
        return `arn:aws:kms:${here}:key/${id}`;
      case 'AWS::SNS::Topic':
        return `arn:aws:sns:${here}:${id}`;
      case 'AWS::Lambda::Function':
        return `arn:aws:lambda:${here}:function:${nameOf(id, resource)}`;
      case 'AWS::Logs::LogGroup':
        return `arn:aws:logs:${here}:log-group:${nameOf(id, resource)}:*`;
      case 'AWS::IAM::Role': {
        const { RoleName = id } = resource.Properties;
        return `arn:aws:iam::${place.account}:role/${String(resolveIn(templates, template)(RoleName))}`;
      }
      case 'AWS::Events::Rule':
        return `arn:aws:events:${here}:rule/${id}`;
      default:
        throw new Error(`expected a type whose ARNs are known, got ${resource.Type}`);
    }
  }
}
