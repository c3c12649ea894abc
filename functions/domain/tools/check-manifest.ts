import { SignetError } from '../errors.ts';
import { compileSchema } from './compile-schema.ts';
import { nameForModel } from './tool-names.ts';
import type { SideEffects, ToolManifest, ToolTargets } from './tools.ts';

/**
 * Whether a manifest may enter the registry.
 * @throws {SignetError} `invalid_request` with the field at fault, `not_built` for targets of a later release
 */
export function checkManifest(
  manifest: ToolManifest,
  { builtin, timeout_ms_max }: { builtin: ToolTargets['builtin']; timeout_ms_max: number },
): void {
  const { name, description, version, timeout_ms, target } = manifest;
  if (!namePattern.test(name))
    refuse('name', `expected 1 to 64 of \`A-Z a-z 0-9 _ . -\`, got \`${name.slice(0, 80)}\``);
  if (name.includes('__')) refuse('name', 'expected no `__`: it stands for `.` towards models');
  if (nameForModel(name).length > 64) refuse('name', 'expected at most 64 characters when each `.` is written as `__`');
  if (description.length === 0 || description.length > 4096) refuse('description', 'expected 1 to 4096 characters');
  if (version.length === 0 || version.length > 64) refuse('version', 'expected 1 to 64 characters');
  if (!sideEffects.has(manifest.side_effects)) refuse('side_effects', `expected one of ${[...sideEffects].join(', ')}`);
  if (!Number.isInteger(timeout_ms) || timeout_ms < 1 || timeout_ms > timeout_ms_max) {
    refuse('timeout_ms', `expected an integer from 1 to ${timeout_ms_max}, got ${timeout_ms}`);
  }
  if (manifest.parameters['type'] !== 'object') refuse('parameters', 'expected a schema with `type` `object`');
  for (const field of ['parameters', 'output_schema'] as const) {
    const schema = manifest[field];
    if (schema === undefined) continue;
    const compiled = compileSchema(schema);
    if (compiled.kind === 'refused') refuse(field, compiled.reason);
  }
  checkTarget(target, builtin);
}

const namePattern = /^[A-Za-z0-9_.-]{1,64}$/;
const sideEffects: ReadonlySet<SideEffects> = new Set<SideEffects>([
  'none',
  'compute',
  'read',
  'network',
  'write',
  'filesystem',
  'database',
  'system',
]);

function checkTarget(target: ToolManifest['target'], builtin: ToolTargets['builtin']): void {
  switch (target.kind) {
    case 'builtin':
      if (!builtin.has(target.name)) {
        refuse(
          'target.name',
          `expected one of ${[...builtin.keys()].join(', ') || 'none'}, got \`${target.name.slice(0, 80)}\``,
        );
      }
      return;
    case 'script':
      if (!/^[0-9a-f]{64}$/.test(target.digest)) refuse('target.digest', 'expected a SHA-256 in lower-case hex');
      if (!namePattern.test(target.tool)) refuse('target.tool', 'expected the name of a tool of the script');
      return;
    case 'http':
    case 'lambda':
    case 'mcp':
      throw new SignetError({
        code: 'not_built',
        detail: `targets of kind \`${target.kind}\` are not built yet; \`script\` and \`builtin\` are`,
        param: 'target.kind',
      });
    default:
      target satisfies never;
      refuse('target.kind', 'expected one of builtin, script, http, lambda, mcp');
  }
}

function refuse(param: string, detail: string): never {
  throw new SignetError({ code: 'invalid_request', detail, param });
}
