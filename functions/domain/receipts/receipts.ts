import type { Call } from '../call.ts';
import type { KeptContent } from '../content/content.ts';
import type { JsonObject } from '../json.ts';

/** What an offline verifier needs of one decision. All three are checked; none is trusted. */
export interface Receipt {
  /** base64 of the stored entry: canonical JSON of the DSSE envelope. */
  readonly entry: string;
  /** base64 of the DSSE envelope by which the issuer key vouches for the session key. */
  readonly delegation: string;
  /** The node document (eddsa-jcs-2022 by the root key) that lists the issuer key. */
  readonly document: JsonObject;
}

export interface Statement {
  readonly subject: readonly { readonly name: string; readonly digest: { readonly [algorithm: string]: string } }[];
  readonly predicate_type: string;
  /** Without the head {v, iss, iat, con, del, req, n}, which `append` puts in front. */
  readonly predicate: JsonObject;
}

export interface Receipts {
  /**
   * Seals and stores the statement; resolves with its id when it is durable. The content records that its `subject[]`
   * names go with it: small ones in the same transaction, large ones before this resolves. `principal` is there when a
   * request caused it: its tenant then owns the detail that is too large to sign.
   */
  append(
    call: Pick<Call, 'request_id' | 'nextStatement'> & Partial<Pick<Call, 'principal'>>,
    statement: Statement,
    content?: KeptContent,
  ): Promise<string>;
  /**
   * For a reader of `tenant`: the receipts that its requests left, and those of the node itself (what it adopted, what
   * it counted), which name no tenant. Another tenant's does not exist for it.
   */
  get(id: string, tenant: string): Promise<Receipt | undefined>;
  /**
   * The same receipt as a tlog-proof text, once the log has the entry: `extra` is the canonical JSON of `delegation` and
   * `entry`. Before that `pending`; undefined where nothing is sealed.
   */
  proof(
    id: string,
    tenant: string,
  ): Promise<{ readonly kind: 'pending' } | { readonly kind: 'sealed'; readonly text: string } | undefined>;
}
