import type { FunctionName } from '../../infra/config.ts';
import { type Statement } from './evaluate-policy.ts';
import { resolveIn } from './resolve-template.ts';
import { ofType, type Templates } from './templates-of.ts';

/** What is in force for one function. */
export interface FunctionRole {
  readonly role_arn: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** All statements of its role, wherever they stand. */
  readonly statements: readonly Statement[];
}

/**
 * Role and variables of a deployed function.
 * @throws if its role has managed policies, whose statements no template tells
 */
export function roleOf(templates: Templates, name: FunctionName): FunctionRole {
  const { app, config } = templates;
  const resolve = resolveIn(templates, app);
  const found = ofType(app, 'AWS::Lambda::Function').find(
    ({ Properties }) => Properties['FunctionName'] === `signet-${config.stage}-${name}`,
  );
  if (found === undefined) throw new Error(`expected a function ${name}`);
  const role_arn = String(resolve(found.Properties['Role']));
  const role = ofType(app, 'AWS::IAM::Role').find(({ id }) => resolve({ 'Fn::GetAtt': [id, 'Arn'] }) === role_arn);
  if (role === undefined) throw new Error(`expected the role of ${name} in the same stack`);
  if (role.Properties['ManagedPolicyArns'] !== undefined) throw new Error(`expected no managed policy for ${name}`);
  const inline = role.Properties['Policies'] ?? [];
  const attached = ofType(app, 'AWS::IAM::Policy')
    .map(({ Properties }) => Properties)
    .filter(({ Roles }) => Array.isArray(Roles) && Roles.some((entry) => entry.Ref === role.id));
  const documents = [...(inline as object[]), ...attached].map((policy) => resolve(Object(policy).PolicyDocument));
  const { Variables } = Object(found.Properties['Environment']);
  return {
    role_arn,
    variables: Object(resolve(Variables)),
    statements: documents.flatMap((document) => Object(document).Statement as Statement[]),
  };
}
