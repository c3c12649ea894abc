import type { Key } from '../ports/table.ts';

/** Object key of a large content record: deletable, while the log keeps its digest. */
export function contentObjectKey(tenant: string, sha256: string): string {
  return `content/${tenant}/${sha256}`;
}

/** Records of statements that no tenant caused. Names of tenants start with a letter or a digit, so none is this. */
export const nodeTenant = '_node';

/** Row of a small content record, deletable just the same. */
export function contentKey(tenant: string, sha256: string): Key {
  return { pk: `t#${tenant}#content#${sha256}`, sk: '-' };
}
