// Conditions whose absence a test must notice: [name, what stands once in its file, what takes its place].
import gates from './gates.mjs';
import ledger from './ledger.mjs';
import messages from './messages.mjs';
import signing from './signing.mjs';
import translog from './translog.mjs';
import verify from './verify.mjs';
import witness from './witness.mjs';

/**
 * @typedef {object} Family
 * @property {string} folder in the repository
 * @property {readonly string[]} [packages] of the workspace, whose tests are run in this order
 * @property {string} [tests] or the jest files, as a pattern of their paths
 * @property {Record<string, readonly (readonly [condition: string, from: string, to: string])[]>} conditions by file
 */

/** @type {readonly Family[]} */
export default [signing, translog, messages, verify, gates, ledger, witness];
