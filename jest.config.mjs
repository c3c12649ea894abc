// One project per kind of test. Sources are ESM TypeScript; swc strips the types, tsc checks them in `npm run check`.
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2024', parser: { syntax: 'typescript' }, experimental: { keepImportAttributes: true } },
        module: { type: 'es6' },
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.signet-build', '<rootDir>/rust-lambdas/target'],
};

const project = (displayName, testMatch, more = {}) => ({ ...shared, displayName, testMatch, ...more });

export default {
  projects: [
    project('unit', ['<rootDir>/{shared,functions,clients}/**/*.test.ts'], {
      testPathIgnorePatterns: ['\\.(property|emulator)\\.test\\.ts$', '/node_modules/'],
    }),
    project('property', ['<rootDir>/{shared,functions,clients}/**/*.property.test.ts']),
    project('contract', ['<rootDir>/tests/contract/**/*.test.ts']),
    // Rules over the templates of `infra/`.
    project('infra', ['<rootDir>/tests/infra/**/*.test.ts']),
    project('integration', ['<rootDir>/tests/integration/**/*.test.ts'], {
      testPathIgnorePatterns: ['\\.emulator\\.test\\.ts$', '/node_modules/'],
    }),
    // Needs the emulator that `npm run test:integration` starts.
    project('emulator', ['<rootDir>/{functions,tests/integration}/**/*.emulator.test.ts']),
    project('e2e', ['<rootDir>/tests/e2e/**/*.test.ts']),
  ],
};
