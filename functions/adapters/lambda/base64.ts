/** Characters that so many bytes become. */
export function base64Length(bytes: number): number {
  return 4 * Math.ceil(bytes / 3);
}
