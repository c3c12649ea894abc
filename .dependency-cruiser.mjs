// The rules of ARCHITECTURE.md that imports can break. Each says why it exists.
/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'a cycle has no part that can be read, tested or replaced alone',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'domain-is-pure',
      comment: 'decisions have no outside reason to fail: no adapter, edge, host, SDK or logger below them',
      severity: 'error',
      from: { path: '^functions/domain', pathNot: '\\.(test|property\\.test|contract)\\.ts$' },
      to: { path: '^(functions/(adapters|edge|hosts|assembly|handlers)|clients)' },
    },
    {
      name: 'domain-takes-few-packages',
      comment: 'schemas and ids are arguments or small pure packages; everything else is an adapter',
      severity: 'error',
      from: { path: '^functions/domain', pathNot: '\\.(test|property\\.test|contract)\\.ts$' },
      to: { path: 'node_modules', pathNot: 'node_modules/(ajv|re2js|zod|@signet)/' },
    },
    {
      name: 'domain-does-no-io',
      comment: 'of the platform the domain takes hashing and encoding only',
      severity: 'error',
      from: { path: '^functions/domain', pathNot: '\\.(test|property\\.test|contract)\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|util|buffer|events)$' },
    },
    {
      name: 'adapters-stand-alone',
      comment: 'an adapter implements ports; two that need each other are one, or lack a port',
      severity: 'error',
      from: { path: '^functions/adapters/([^/]+)/', pathNot: '\\.(test|property\\.test)\\.ts$' },
      to: {
        path: '^functions/(adapters|edge|hosts|assembly|handlers)',
        pathNot: '^functions/adapters/($1|aws|frames)/',
      },
    },
    {
      name: 'edge-knows-no-adapter',
      comment: 'routes see the domain through the services they are given',
      severity: 'error',
      from: { path: '^functions/edge', pathNot: '\\.(test|property\\.test)\\.ts$' },
      to: { path: '^functions/(adapters|hosts|assembly|handlers)' },
    },
    {
      name: 'handlers-stand-alone',
      comment: 'each handler is deployed alone',
      severity: 'error',
      from: { path: '^functions/handlers/([^/]+)/' },
      to: { path: '^functions/handlers/', pathNot: '^functions/handlers/$1/' },
    },
    {
      name: 'infra-runs-no-product-code',
      comment: 'templates come from configuration; of the product they know tables and the schema of signet.json',
      severity: 'error',
      from: { path: '^infra/' },
      to: {
        path: '^(functions|clients|rust-lambdas|layers|scripts)/',
        pathNot: '^functions/assembly/signet-json\\.ts$',
      },
    },
    {
      name: 'nothing-needs-infra',
      comment:
        'the product runs without its deployment; config.ts takes none of the packages that `npm start` leaves out',
      severity: 'error',
      from: { pathNot: '^(infra|tests|scripts)/' },
      to: { path: '^infra/', pathNot: '^infra/config\\.ts$' },
    },
    {
      name: 'no-test-code-in-the-product',
      comment: 'what ships does not import tests',
      severity: 'error',
      from: { pathNot: '(\\.(test|property\\.test|contract)\\.ts$|^tests/|^scripts/test-)' },
      to: { path: '(\\.(test|property\\.test)\\.ts$|^tests/)' },
    },
    {
      name: 'no-orphans',
      comment: 'a file that nothing uses is dead code',
      severity: 'error',
      from: {
        orphan: true,
        pathNot:
          '(\\.(test|property\\.test|test-d|contract)\\.ts$|\\.json$|\\.d\\.m?ts$|/bin/|worker\\.ts$|\\.(mjs|cjs)$)',
      },
      to: {},
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(\\.signet-build|target)/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
