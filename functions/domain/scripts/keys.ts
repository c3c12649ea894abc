import type { Key } from '../ports/table.ts';

/** What the name of a script stands for now. */
export function scriptKey(tenant: string, name: string): Key {
  return { pk: `t#${tenant}#script#${name}`, sk: 'head' };
}

/** One version; its digest is its number. */
export function versionKey(tenant: string, name: string, digest: string): Key {
  return { pk: `t#${tenant}#script#${name}`, sk: `version#${digest}` };
}

/** The text, once for each tenant: two names of one text share it. */
export function sourceKey(tenant: string, digest: string): Key {
  return { pk: `t#${tenant}#script-source#${digest}`, sk: '-' };
}

/** The list row, so that listing is one query. */
export function listKey(tenant: string, name: string): Key {
  return { pk: scriptList(tenant), sk: name };
}

export function scriptList(tenant: string): string {
  return `t#${tenant}#list#script`;
}
