import type { z } from '@hono/zod-openapi';
import type { Call, Principal } from '../domain/call.ts';
import type { Json } from '../domain/json.ts';
import type { Action } from '../domain/ports/policy-engine.ts';
import type { Scope } from '../domain/scopes.ts';
import type { Answer } from './answer.ts';
import type { BodyClass, EdgeLimits, Services } from './services.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** One route as data: what the pipeline checks, what OpenAPI says, and the one function that answers. */
export interface Endpoint {
  readonly method: Method;
  /** As OpenAPI writes it: `/api/v1/tools/{name}`. */
  readonly path: string;
  readonly summary: string;
  /** Who may: anybody, a key with the scope, or whoever holds the run's own token. */
  readonly access: 'open' | 'run-token' | Scope;
  /** An open route that says more to a key with this scope; a key that is none is refused all the same. */
  readonly reveals?: Scope;
  /** The action that the domain decides over; absent on plain reads, which leave no receipt, refused or not. */
  readonly decides?: { readonly action: Action; readonly resource: string };
  /**
   * Whether `Idempotency-Key` is taken: the answer is stored for a repeat, or only that the request was done, because
   * the answer shows a secret.
   */
  readonly idempotent?: 'stored' | 'secret';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: EndpointBody<z.ZodType>;
  /** Takes a body that is no JSON, as it came; `body` is then a `Uint8Array`, and its cap is that of this class. */
  readonly bytes?: BodyClass;
  /** Answers with server-sent events only: HEAD has no meaning for it. */
  readonly streams?: boolean;
  readonly answers: { readonly [status: number]: AnswerDocument };
  readonly handle: (input: EndpointInput<unknown, unknown, unknown>) => Promise<Answer>;
}

export interface EndpointBody<Schema> {
  readonly schema: Schema;
  readonly class: BodyClass;
  readonly optional?: boolean;
  /**
   * Takes JSON as the platform reads it, nested at most so deep: for values that a script of somebody's made, in which a
   * name may come twice or an integer may be too large, as they may where the script runs on this machine.
   */
  readonly plain_depth_max?: number;
}

export interface AnswerDocument {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly type?: string;
  /** The request may ask for server-sent events instead. */
  readonly streamed?: boolean;
}

export interface EndpointInput<Params, Query, Body> {
  readonly services: Services;
  readonly limits: EdgeLimits;
  readonly call: Call;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The bearer text of a `run-token` route. */
  readonly bearer: string;
  /** `http://127.0.0.1:3001`, as this client reached us: its own word, never to be trusted or stored. */
  readonly origin: () => string;
  readonly header: (name: string) => string | undefined;
  /** There where the host can turn this very request into a socket; the answer is then not sent. */
  readonly acceptSocket?: (principal: Principal) => void;
}

type OutputOf<Schema> = Schema extends z.ZodType ? Present<z.output<Schema>> : undefined;

/**
 * A parsed body comes from JSON, where a member is there or is not: `undefined` is never a value of one. zod's types
 * cannot say so for `.optional()`, which this mends in one place.
 */
export type Present<T> = T extends Json | Float32Array
  ? T
  : T extends readonly (infer Element)[]
    ? readonly Present<Element>[]
    : T extends object
      ? { [Name in keyof T]: Present<Exclude<T[Name], undefined>> }
      : T;

export function endpoint<
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
  Bytes extends BodyClass | undefined = undefined,
>(
  definition: Omit<Endpoint, 'params' | 'query' | 'body' | 'bytes' | 'handle'> & {
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: EndpointBody<Body>;
    readonly bytes?: Bytes;
    readonly handle: (
      input: EndpointInput<OutputOf<Params>, OutputOf<Query>, Bytes extends BodyClass ? Uint8Array : OutputOf<Body>>,
    ) => Promise<Answer>;
  },
): Endpoint {
  // The pipeline hands `handle` what these schemas gave, and nothing else does: the types meet here.
  return definition as unknown as Endpoint;
}
