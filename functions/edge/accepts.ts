/** Whether an `accept` header names this media type itself; a wildcard asks for nothing in particular. */
export function names(accept: string | undefined, type: string): boolean {
  return (accept ?? '')
    .split(',')
    .map((range) => range.split(';'))
    .some(([range = '', ...parameters]) => range.trim().toLowerCase() === type && !parameters.some(isRefused));
}

/** `q=0` */
function isRefused(parameter: string): boolean {
  return /^\s*q\s*=\s*0(\.0*)?\s*$/i.test(parameter);
}
