// The AWS emulator of the tests. Plain JavaScript for Node 20: `scripts/test-integration.mjs` runs it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from './start-server.mjs';

const requirements = join(dirname(fileURLToPath(import.meta.url)), 'requirements.txt');

/**
 * Makes the virtual environment `home` hold what `requirements.txt` says, unless it does.
 * @param {{home: string, run: (command: string, args: string[], options?: object) => Promise<string>}} request
 * @returns {Promise<string>} the emulator's program
 */
export async function installMinistack({ home, run }) {
  const wanted = readFileSync(requirements, 'utf8');
  const mark = join(home, 'installed.txt');
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== wanted) {
    mkdirSync(home, { recursive: true });
    await run('python3', ['-m', 'venv', '--clear', home], { quiet: true });
    await run(join(home, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '-r', requirements], { quiet: true });
    writeFileSync(mark, wanted);
  }
  return join(home, 'bin', 'ministack');
}

/**
 * Starts the emulator and waits until it answers. It reaches no account: its credentials are made up, and where it calls
 * AWS itself it calls itself.
 * @param {object} request
 * @param {string} request.program
 * @param {string} request.folder for its log and its files, the caller's to remove
 * @param {string} [request.node_folder] of the `node` that runs functions; the first one in the path otherwise
 * @param {string} [request.certificate] of `makeCertificate`: then it enforces signatures and the rights of roles, over
 *   TLS, which buckets and queues that demand it are refused without
 */
export function startMinistack({ program, folder, node_folder, certificate }) {
  const scheme = certificate === undefined ? 'http' : 'https';
  return startServer({
    title: 'the AWS emulator',
    folder,
    scheme,
    command: () => [program, []],
    environment: (port) => ({
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
      AWS_ENDPOINT_URL: `${scheme}://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_DEFAULT_REGION: 'us-east-1',
      LOG_LEVEL: 'WARNING',
      ...(node_folder === undefined ? {} : { PATH: `${node_folder}:${process.env.PATH ?? '/usr/bin:/bin'}` }),
      ...(certificate === undefined
        ? {}
        : {
            AUTH: 'true',
            USE_SSL: '1',
            MINISTACK_SSL_CERT: certificate,
            MINISTACK_SSL_KEY: keyOf(certificate),
            // Functions inherit them: they trust this certificate and so reach the emulator.
            ...trusting(certificate),
          }),
    }),
    isReady: async (url) => (await ask(`${url}/_ministack/health`, certificate)) === 200,
  });
}

/**
 * A certificate for this machine's loopback address, made for one run.
 * @param {{folder: string, run: (command: string, args: string[], options?: object) => Promise<string>}} request
 * @returns {Promise<string>} its path
 */
export async function makeCertificate({ folder, run }) {
  const certificate = join(folder, 'emulator.crt');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '30'];
  // Rustls takes no authority's certificate for a server's, which is what OpenSSL makes unless told.
  subject.push('-addext', 'basicConstraints=critical,CA:FALSE');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyOf(certificate)];
  await run('openssl', ['req', '-x509', ...key, '-out', certificate, ...subject], { quiet: true });
  return certificate;
}

/** Variables by which Node, the CDK and the Rust functions trust a certificate. */
export function trusting(certificate) {
  return { NODE_EXTRA_CA_CERTS: certificate, AWS_CA_BUNDLE: certificate, SSL_CERT_FILE: certificate };
}

function keyOf(certificate) {
  return certificate.replace(/\.crt$/, '.key');
}

/** The status of a GET; `fetch` takes a certificate at the start of the process only. */
function ask(url, certificate) {
  if (certificate === undefined) return fetch(url).then(({ status }) => status);
  return new Promise((resolve, reject) => {
    get(url, { ca: readFileSync(certificate) }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on('error', reject);
  });
}
