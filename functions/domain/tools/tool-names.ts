/** Upstream names have no dots: `web.search` is `web__search` there. Names with `__` are refused, so this is one to one. */
export function nameForModel(name: string): string {
  return name.replaceAll('.', '__');
}

export function nameFromModel(name: string): string {
  return name.replaceAll('__', '.');
}
