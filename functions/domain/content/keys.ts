/** Object key of a content record: deletable, while the log keeps its digest. */
export function contentObjectKey(tenant: string, sha256: string): string {
  return `content/${tenant}/${sha256}`;
}

/** Records of statements that no tenant caused. Names of tenants start with a letter or a digit, so none is this. */
export const nodeTenant = '_node';
