// The layers of docs/design: imports only point downward, and nothing below adapter/ knows VS Code, DAP or Node.
const tests = '\\.test\\.ts$';
const layer = (name, forbidden) => ({
  name: `${name}-looks-only-down`,
  severity: 'error',
  from: { path: `^src/${name}/`, pathNot: tests },
  to: { path: `^src/(${forbidden.join('|')})/` },
});
const below = ['wasm', 'isa', 'engine', 'machine', 'hypervisor', 'symbols', 'debugger'];

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    layer('wasm', [
      'isa',
      'engine',
      'machine',
      'hypervisor',
      'symbols',
      'debugger',
      'adapter',
      'protocol',
      'extension',
      'cli',
    ]),
    layer('isa', [
      'wasm',
      'engine',
      'machine',
      'hypervisor',
      'symbols',
      'debugger',
      'adapter',
      'protocol',
      'extension',
      'cli',
    ]),
    layer('symbols', [
      'wasm',
      'isa',
      'engine',
      'machine',
      'hypervisor',
      'debugger',
      'adapter',
      'protocol',
      'extension',
      'cli',
    ]),
    layer('engine', ['machine', 'hypervisor', 'symbols', 'debugger', 'adapter', 'protocol', 'extension', 'cli']),
    layer('machine', ['hypervisor', 'symbols', 'debugger', 'adapter', 'protocol', 'extension', 'cli']),
    layer('hypervisor', ['symbols', 'debugger', 'adapter', 'protocol', 'extension', 'cli']),
    layer('debugger', ['adapter', 'protocol', 'extension', 'cli']),
    layer('protocol', [...below, 'adapter', 'extension', 'cli']),
    layer('adapter', ['extension', 'cli']),
    layer('extension', [...below, 'adapter', 'cli']),
    layer('cli', ['extension']),
    {
      name: 'no-node-below-the-adapter',
      comment: 'these layers also run in a browser worker',
      severity: 'error',
      from: { path: `^src/(${[...below, 'protocol'].join('|')})/`, pathNot: tests },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-protocol-below-the-adapter',
      severity: 'error',
      from: { path: `^src/(${below.join('|')})/`, pathNot: tests },
      to: { path: '(^|/)(vscode|@vscode/)' },
    },
    {
      name: 'vscode-only-in-the-extension',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/extension/' },
      to: { path: '^vscode$' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
