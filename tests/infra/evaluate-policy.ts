/** A statement of an IAM policy, references already resolved. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: unknown;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | boolean | readonly string[]>>>>;
}

export interface AccessRequest {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the request, such as `aws:PrincipalArn`. */
  readonly context?: RequestContext;
}

/** Some keys have several values: those of a batch of rows. */
export type RequestContext = Readonly<Record<string, string | readonly string[]>>;

/**
 * Whether the statements of one policy allow a request, as IAM decides it: one that denies wins, one that allows
 * suffices, and nothing is refused.
 * @throws for a condition operator or an element that it does not know: an unread condition must not allow anything
 */
export function evaluatePolicy(statements: readonly Statement[], request: AccessRequest): 'allowed' | 'refused' {
  const hits = statements.filter((statement) => applies(statement, request));
  if (hits.some(({ Effect }) => Effect === 'Deny')) return 'refused';
  return hits.length > 0 ? 'allowed' : 'refused';
}

/** Values of an element that is one value or a list. */
export function listOf<Value>(value: Value | readonly Value[] | undefined): readonly Value[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as Value];
}

const elements = new Set(['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition']);

function applies(statement: Statement, { action, resource, context = {} }: AccessRequest): boolean {
  const unknown = Object.keys(statement).filter((name) => !elements.has(name));
  if (unknown.length > 0) throw new Error(`expected known elements of a statement, got ${unknown.join(', ')}`);
  const named = (patterns: readonly string[], value: string) => patterns.some((pattern) => isLike(pattern, value));
  const lower = (patterns: readonly string[]) => patterns.map((pattern) => pattern.toLowerCase());
  const acts =
    statement.NotAction === undefined
      ? named(lower(listOf(statement.Action)), action.toLowerCase())
      : !named(lower(listOf(statement.NotAction)), action.toLowerCase());
  const concerns =
    statement.NotResource === undefined
      ? named(listOf(statement.Resource), resource)
      : !named(listOf(statement.NotResource), resource);
  return acts && concerns && holds(statement.Condition ?? {}, context);
}

/** Every operator and every key of a condition must hold; of a key's values one. */
function holds(condition: NonNullable<Statement['Condition']>, context: RequestContext): boolean {
  return Object.entries(condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const given = listOf(context[key]);
      const [, quantifier, single = operator] = /^(ForAllValues|ForAnyValue):(.+)$/.exec(operator) ?? [];
      const fits = (one: string | undefined) =>
        listOf<string | boolean>(wanted).some((value) => compare(single, String(value), one));
      if (quantifier === 'ForAllValues') return given.every(fits);
      if (quantifier === 'ForAnyValue') return given.some(fits);
      return fits(given[0]);
    }),
  );
}

/** A key that the request lacks fails every operator that is read here. */
function compare(operator: string, wanted: string, given: string | undefined): boolean {
  switch (operator) {
    case 'StringEquals':
    case 'Bool':
      return given === wanted;
    case 'StringLike':
    case 'ArnEquals':
    case 'ArnLike':
      return given !== undefined && isLike(wanted, given);
    case 'NumericLessThan':
      return given !== undefined && Number(given) < Number(wanted);
    default:
      throw new Error(`expected a known condition operator, got ${operator}`);
  }
}

/** `*` stands for any text, `?` for one character. */
function isLike(pattern: string, value: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(value);
}
