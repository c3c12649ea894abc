import type { Call, Now } from '../call.ts';
import type { Judge } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import { allRows } from '../ports/all-rows.ts';
import type { Item, Table } from '../ports/table.ts';
import { listKey, scriptKey, scriptList, sourceKey, versionKey } from './keys.ts';
import type { Scripts, StoredScript } from './scripts.ts';
import { checkSource, digestOf, sourceItem, sourceOf } from './source-item.ts';

export interface ScriptsParts {
  readonly table: Table;
  readonly judge: Judge;
  readonly now: Now;
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const digestPattern = /^[0-9a-f]{64}$/;

/**
 * Scripts by name, versions by digest. Nothing is ever overwritten: putting a text under a name adds its version and
 * points the name at it, so a tool or a run that named a digest keeps what it named.
 */
export function makeScripts({ table, judge, now }: ScriptsParts): Scripts {
  return {
    async put(call, { name, source }) {
      checkName(name);
      checkSource(source, 'source');
      const tenant = call.principal.tenant;
      const digest = digestOf(source);
      const judgement = {
        action: 'manageScripts' as const,
        resource: { type: 'Script', id: name },
        facts: { operation: 'put' },
        request: { name, digest },
      };
      return judge.decide(call, judgement, async () => {
        const version = versionKey(tenant, name, digest);
        const earlier = await table.get(version, now());
        const created = typeof earlier?.created === 'number' ? earlier.created : Math.floor(now() / 1000);
        const row = { name, digest, created };
        await table.transact(
          [
            { kind: 'put', key: version, item: row },
            { kind: 'put', key: sourceKey(tenant, digest), item: sourceItem(source) },
            { kind: 'put', key: scriptKey(tenant, name), item: row },
            { kind: 'put', key: listKey(tenant, name), item: row },
          ],
          now(),
        );
        return { value: { ...row, source }, outcome: { detail: { digest } } };
      });
    },

    async get(call, { name, digest }) {
      checkName(name);
      if (digest !== undefined && !digestPattern.test(digest)) throw badDigest(digest);
      mayRead(judge, call, name);
      const tenant = call.principal.tenant;
      const key = digest === undefined ? scriptKey(tenant, name) : versionKey(tenant, name, digest);
      const row = await table.get(key, now());
      const source = row === undefined ? undefined : await sourceBy(tenant, described(row).digest);
      if (row === undefined || source === undefined) throw unknownScript(name, digest);
      return { ...described(row), source };
    },

    async list(call) {
      mayRead(judge, call, '*');
      const found: Omit<StoredScript, 'source'>[] = [];
      const query = { pk: scriptList(call.principal.tenant), limit: 1000 };
      for await (const { item } of allRows(table, query, now)) found.push(described(item));
      return found;
    },

    async byDigest(tenant, digest) {
      return digestPattern.test(digest) ? sourceBy(tenant, digest) : undefined;
    },
  };

  async function sourceBy(tenant: string, digest: string): Promise<string | undefined> {
    const item = await table.get(sourceKey(tenant, digest), now());
    return item === undefined ? undefined : sourceOf(item);
  }
}

function checkName(name: string): void {
  if (namePattern.test(name)) return;
  throw new SignetError({
    code: 'invalid_request',
    detail: 'expected a script name of 1 to 64 characters a-z, 0-9, `.`, `_`, `-`, the first a letter or a digit',
    param: 'name',
  });
}

function mayRead(judge: Judge, call: Call, id: string): void {
  if (judge.permits(call, { action: 'read', resource: { type: 'Script', id }, facts: {} })) return;
  throw new SignetError({ code: 'policy_denied', detail: 'policy does not let this key read scripts' });
}

function described(row: Item): Omit<StoredScript, 'source'> {
  const { name, digest, created } = row as unknown as Omit<StoredScript, 'source'>;
  return { name, digest, created };
}

function badDigest(digest: string): SignetError {
  return new SignetError({
    code: 'invalid_request',
    detail: `expected a SHA-256 of 64 hexadecimal digits, got ${digest.length} characters`,
    param: 'digest',
  });
}

function unknownScript(name: string, digest: string | undefined): SignetError {
  const version = digest === undefined ? '' : ` with digest \`${digest}\``;
  return new SignetError({ code: 'script_not_found', detail: `no script \`${name}\`${version} here` });
}
