import { z } from 'zod';
import type { Json, JsonObject } from '../json.ts';
import { frameRefusal, ScriptCallRefusal } from './call-error.ts';

/**
 * Arguments of the host calls. The guest's library makes them, but a script can call the import itself, so that each
 * frame is read as if a stranger had sent it: unknown members, wrong types and oversizes are refused by name.
 */

const json = z.custom<Json>((value) => value !== undefined);
const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
const toolName = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/);

/** A `@tool` of the script, as it registered it. */
const scriptTool = z.strictObject({
  name: toolName,
  description: z.string().max(4096).default(''),
  parameters: jsonObject,
  side_effects: z
    .enum(['none', 'compute', 'read', 'network', 'write', 'filesystem', 'database', 'system'])
    .default('compute'),
  timeout_ms: z.int().min(100).max(30_000).optional(),
  idempotent: z.boolean().default(false),
  parallel: z.boolean().default(false),
});
export type ScriptTool = z.infer<typeof scriptTool>;

const scriptTools = z.array(scriptTool).max(64).default([]);

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string(), detail: z.string().optional() }),
});
const content = z.union([z.string(), z.array(z.union([textPart, imagePart])).max(256)]);
const toolCall = z.strictObject({
  id: z.string().min(1).max(128),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string().min(1).max(64), arguments: z.string().max(65_536) }),
});
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'developer', 'user']), content, name: z.string().max(64).optional() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    name: z.string().max(64).optional(),
    tool_calls: z.array(toolCall).max(128).optional(),
  }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: z.string().min(1).max(128) }),
]);

const llmChat = z.strictObject({
  prompt: z.string().nullish(),
  messages: z.array(message).max(1024).nullish(),
  system: z.string().nullish(),
  model: z.string().min(1).max(256).nullish(),
  tier: z.enum(['edge', 'local', 'pool']).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  max_tokens: z.int().min(1).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  seed: z.int().nullish(),
  response_format: jsonObject.nullish(),
  tool_choice: z.union([z.enum(['none', 'auto', 'required']), toolName, jsonObject]).nullish(),
  max_steps: z.int().min(1).nullish(),
  strict: z.boolean().nullish(),
  timeout_ms: z.number().positive().nullish(),
  tools: z.union([z.boolean(), z.array(toolName).max(128)]).nullish(),
  script_tools: scriptTools,
});
export type LlmChat = z.infer<typeof llmChat>;

const toolResult = z.discriminatedUnion('ok', [
  z.strictObject({ call_id: z.string().min(1).max(64), ok: z.literal(true), value: json }),
  z.strictObject({
    call_id: z.string().min(1).max(64),
    ok: z.literal(false),
    error: z.strictObject({ type: z.string().max(128), message: z.string().max(65_536) }),
  }),
]);
export type ToolResult = z.infer<typeof toolResult>;

const toolsCall = z.strictObject({ name: z.string().min(1).max(64), args: jsonObject, script_tools: scriptTools });
export type ToolsCall = z.infer<typeof toolsCall>;

const webSearch = z.strictObject({ query: z.string(), k: z.int().min(1).max(20).default(10) });

const embed = z.strictObject({
  texts: z.array(z.string()).min(1).max(2048),
  input_type: z.enum(['query', 'document', 'clustering', 'classification']).default('document'),
  model: z.string().min(1).max(256).nullish(),
});

const methods = {
  'llm.chat': llmChat,
  'tool.result': toolResult,
  'tools.call': toolsCall,
  'web.search': webSearch,
  embed,
} as const;

export type MethodName = keyof typeof methods;
export type Arguments<M extends MethodName> = z.infer<(typeof methods)[M]>;

/** What the run token lets the sandbox ask. */
export const methodNames = Object.keys(methods) as readonly MethodName[];

export function isMethod(name: string): name is MethodName {
  return Object.hasOwn(methods, name);
}

export function readArguments<M extends MethodName>(method: M, args: JsonObject): Arguments<M> {
  const parsed = methods[method].safeParse(args);
  if (parsed.success) return parsed.data as Arguments<M>;
  const issue = parsed.error.issues[0];
  const path =
    issue === undefined || issue.path.length === 0 ? 'its arguments' : `\`${issue.path.join('.').slice(0, 200)}\``;
  throw new ScriptCallRefusal({
    type: method === 'tools.call' || method === 'tool.result' ? 'InvalidArguments' : 'HyperCoreError',
    code: 'invalid_request',
    message: `\`${method}\` did not take ${path}: ${(issue?.message ?? 'wrong form').slice(0, 300)}`,
  });
}

export interface Frame {
  readonly run_id: string;
  readonly token: string;
  readonly seq: number;
  readonly method: string;
  readonly args: JsonObject;
}

/** The outer form of a frame. Nothing of it is trusted, and a depth that would overflow a later walk is refused here. */
export function readFrame(value: unknown): Frame {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw frameRefusal('expected a frame object');
  const { run_id, token, seq, method, args } = value as { readonly [name: string]: unknown };
  if (typeof run_id !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(run_id)) throw frameRefusal('expected `run_id`');
  if (typeof token !== 'string' || token.length > 256) throw frameRefusal('expected `token`');
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) throw frameRefusal('expected `seq` from 1');
  if (typeof method !== 'string' || method.length > 64) throw frameRefusal('expected `method`');
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw frameRefusal('expected `args` as an object');
  if (isDeeperThan(args, depth_max)) throw frameRefusal(`expected \`args\` nested at most ${depth_max} deep`);
  return { run_id, token, seq, method, args: args as JsonObject };
}

const depth_max = 64;

/** Level by level, without recursion. */
function isDeeperThan(value: object, most: number): boolean {
  let level: object[] = [value];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > most) return true;
    level = level.flatMap((node) =>
      Object.values(node).filter((child): child is object => typeof child === 'object' && child !== null),
    );
  }
  return false;
}
