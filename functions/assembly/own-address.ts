import { BlockList, isIPv6 } from 'node:net';

/**
 * Whether a URL names, literally, this machine or its neighbourhood: loopback, link-local, and the places where a
 * platform keeps the credentials of its functions. A request there would carry a key to them, or bring theirs out.
 * A name that resolves to such an address is not found out here.
 */
export function isOwnAddress(url: string): boolean {
  // The parser has brought `127.1`, `0x7f.0.0.1` and the like into the usual form.
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost') || metadata_names.has(host)) return true;
  if (isIPv6(host)) return own.check(host, 'ipv6');
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) && own.check(host, 'ipv4');
}

const metadata_names = new Set(['instance-data', 'instance-data.ec2.internal', 'metadata.google.internal']);

/** An IPv4 address inside an IPv6 one (`::ffff:127.0.0.1`) is found by the rules of the former. */
const own = new BlockList();
own.addSubnet('0.0.0.0', 8, 'ipv4');
own.addSubnet('127.0.0.0', 8, 'ipv4');
own.addSubnet('169.254.0.0', 16, 'ipv4');
own.addAddress('::', 'ipv6');
own.addAddress('::1', 'ipv6');
own.addSubnet('fe80::', 10, 'ipv6');
own.addAddress('fd00:ec2::254', 'ipv6');
own.addAddress('fd00:ec2::23', 'ipv6');
