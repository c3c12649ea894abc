import type { Now } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { federationKey } from './keys.ts';

/** Another node, or a witness, that this one was told of. */
export interface Peer {
  readonly node_id: string;
  readonly address: string;
  readonly state: 'alive' | 'suspect' | 'dead' | 'unknown';
  /** Unix seconds; absent where it was never heard. */
  readonly last_seen?: number;
  readonly incarnation?: number;
  readonly role: 'witness' | 'peer';
}

export interface FederationStatus {
  /** Whether another node is joined to this one. A witness that cosigns is not one. */
  readonly connected: boolean;
  readonly node_id: string;
  readonly peer_count: number;
  readonly gossip_round: number;
  readonly consensus_height: number;
  readonly pattern_count: number;
  readonly peers: number;
  readonly witnesses: readonly { readonly name: string; readonly last_cosigned?: number }[];
}

export interface Federation {
  status(): Promise<FederationStatus>;
  /** By node id. */
  peers(): Promise<readonly Peer[]>;
}

/** What is known of a witness; `last_cosigned` in Unix seconds. */
export interface KnownWitness {
  readonly name: string;
  readonly url: string;
  readonly last_cosigned?: number;
}

/**
 * What this node knows of others. There is no membership yet, so nothing writes peers: what is counted is what is stored,
 * and nothing is stored where nothing happened.
 */
export function makeFederation({
  table,
  node_id,
  witnesses,
  now,
}: {
  table: Table;
  node_id: string;
  /** The configured ones. */
  witnesses: () => Promise<readonly KnownWitness[]>;
  now: Now;
}): Federation {
  const others = async (): Promise<readonly Peer[]> =>
    (await witnesses())
      .map(
        ({ name, url, last_cosigned }): Peer => ({
          node_id: name,
          address: url,
          state: stateOf(last_cosigned, now()),
          ...(last_cosigned === undefined ? {} : { last_seen: last_cosigned }),
          role: 'witness',
        }),
      )
      .toSorted((a, b) => (a.node_id < b.node_id ? -1 : 1));

  return {
    async status() {
      const [row, known] = await Promise.all([table.get(federationKey(), now()), witnesses()]);
      const stored = (field: string): number => (typeof row?.[field] === 'number' ? row[field] : 0);
      return {
        connected: stored('members') > 0,
        node_id,
        peer_count: known.length,
        gossip_round: stored('gossip_round'),
        consensus_height: stored('consensus_height'),
        pattern_count: stored('pattern_count'),
        peers: known.length,
        witnesses: known.map(({ name, last_cosigned }) => ({
          name,
          ...(last_cosigned === undefined ? {} : { last_cosigned }),
        })),
      };
    },
    peers: others,
  };
}

/** A day without a cosignature says that something is wrong, not what. */
function stateOf(last_cosigned: number | undefined, now: number): Peer['state'] {
  if (last_cosigned === undefined) return 'unknown';
  return now / 1000 - last_cosigned <= 86_400 ? 'alive' : 'suspect';
}
