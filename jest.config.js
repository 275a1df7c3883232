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
  coverageDirectory: 'node_modules/.cache/coverage'
};
