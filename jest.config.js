const jestJupyterLab = require('@jupyterlab/testutils/lib/jest-config');

// These packages ship as modules of the newer kind, which jest has to translate.
const modules = [
  '@codemirror',
  '@jupyter/',
  '@jupyterlab/',
  '@lezer',
  '@marijn',
  '@microsoft/',
  '@rjsf',
  'exenv-es6',
  'lib0',
  'nanoid',
  'style-mod',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

module.exports = {
  ...jestJupyterLab(__dirname),
  rootDir: __dirname,
  roots: ['<rootDir>/labextension'],
  testRegex: 'labextension/tests/.*\\.spec\\.tsx?$',
  transform: {
    '\\.(ts|tsx)$': ['ts-jest', { tsconfig: 'labextension/tests/tsconfig.json' }],
    '\\.(js|jsx)$': 'babel-jest',
    '\\.svg$': '@jupyterlab/testing/lib/jest-raw-loader.js'
  },
  transformIgnorePatterns: [`/node_modules/(?!(${modules})).+`],
  reporters: ['default'],
  collectCoverageFrom: ['labextension/src/**/*.{ts,tsx}'],
  // What carries the state and what talks to the server are tried in every branch.
  coverageThreshold: {
    global: { branches: 86, functions: 80, lines: 88, statements: 88 },
    './labextension/src/model.ts': { branches: 100, functions: 100, lines: 100 },
    './labextension/src/client.ts': { branches: 100, functions: 100, lines: 100 }
  },
  coverageReporters: ['text-summary'],
  coverageDirectory: 'node_modules/.cache/coverage'
};
