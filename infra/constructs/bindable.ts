import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/**
 * Something a function can be given rights to. `bind` grants a right and sets the variables that name the resource in
 * one call, so that no function knows a resource it may not use, nor the other way round.
 */
export interface Bindable<Right extends string> {
  /** Environment variables that name the resource. */
  readonly variables: Readonly<Record<string, string>>;
  /** What the right allows, as exactly as AWS can say it. */
  statements(right: Right): readonly PolicyStatement[];
}

/** One statement that allows `actions` on `resources`. */
export function allow(actions: readonly string[], resources: readonly string[]): PolicyStatement {
  return new PolicyStatement({ actions: [...actions], resources: [...resources] });
}

/** The same for rows whose partition keys are one of `partitions`, where `*` stands for any text. */
export function allowRows(
  actions: readonly string[],
  table_arn: string,
  partitions: readonly string[],
): PolicyStatement {
  const statement = allow(actions, [table_arn]);
  statement.addCondition('ForAllValues:StringLike', { 'dynamodb:LeadingKeys': [...partitions] });
  return statement;
}
