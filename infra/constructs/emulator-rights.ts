// Where an emulator that enforces rights judges otherwise than AWS. A stage in an account gets none of this.
import type { StageConfig } from '../config.ts';

/** `aws:PrincipalArn` of a role at work: on AWS the role's, in an emulator also that of its session. */
export function principalsOf(role_arn: string, { emulator }: StageConfig): string | readonly string[] {
  if (emulator === undefined) return role_arn;
  return [role_arn, `${role_arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/*`];
}

/** Rights to send to a queue: on AWS one includes sending a batch, an emulator asks for that by itself. */
export function sendingRights({ emulator }: StageConfig): readonly string[] {
  return emulator === undefined ? ['sqs:SendMessage'] : ['sqs:SendMessage', 'sqs:SendMessageBatch'];
}

/** An emulator does not tell a function under which alias it was called; that only the right ones are used, it sees to. */
export function aliasVariables({ emulator }: StageConfig): Readonly<Record<string, string>> {
  return emulator === undefined ? {} : { SIGNET_ALIASES: 'none' };
}
