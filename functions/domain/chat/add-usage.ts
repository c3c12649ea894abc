import type { Usage } from './chat-types.ts';

export function addUsage(a: Usage, b: Usage): Usage {
  const cached_in = (a.cached_in ?? 0) + (b.cached_in ?? 0);
  const reasoning = (a.reasoning ?? 0) + (b.reasoning ?? 0);
  return {
    in: a.in + b.in,
    out: a.out + b.out,
    ...(cached_in > 0 ? { cached_in } : {}),
    ...(reasoning > 0 ? { reasoning } : {}),
    ...(a.estimated === true || b.estimated === true ? { estimated: true } : {}),
  };
}
