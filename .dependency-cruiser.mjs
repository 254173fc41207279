/**
 * The rooms of the house, and what each may import (README, "The rooms"): imports go towards the decision, away from the wire.
 * `npm run check` runs this, and fails as well when the tool did not see every file: a parser that sees nothing finds nothing.
 */
const wiring = '^src/[^/]+\\.ts$'; // main.ts, backend.ts and the like: they put the rooms together
const tools = '^src/tools/';
const base = '^src/base/';
const port = '^src/cti/port\\.ts$';
const npm = (...names) => `^node_modules/(${names.join('|')})/`;

/** A room may import itself, `base`, and what is listed; of other folders of src nothing. */
const room = (name, from, ...allowed) => ({
  name: `room-${name}`,
  severity: 'error',
  comment: `src/${name} may import of src only: itself, base, ${allowed.join(', ')}`,
  from: { path: from },
  to: { path: '^src/', pathNot: [from, base, ...allowed] },
});

const only = (name, what, ...where) => ({
  name: `only-${name}`,
  severity: 'error',
  comment: `${what} is used in ${where.join(', ')} only`,
  from: { path: '^src/', pathNot: where },
  to: { path: what },
});

const pure = (name, ...packages) => [
  {
    name: `pure-${name}`,
    severity: 'error',
    comment: `src/${name} decides: no clock, no input or output, no library but ${packages.join(', ')}`,
    from: { path: `^src/${name}/` },
    // Hashing is arithmetic.
    to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'], pathNot: [npm(...packages), '^crypto$'] },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', comment: 'two that import each other are one', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'resolvable', severity: 'error', comment: 'it is not there', from: {}, to: { couldNotResolve: true, pathNot: '^virtual:' } },
    {
      name: 'no-edge',
      severity: 'error',
      comment: 'nobody imports an edge but those who put the house together',
      from: { path: '^src/', pathNot: [wiring, tools, '^src/db/', '^src/web/'] },
      to: { path: '^src/(db|web)/' },
    },
    {
      name: 'no-wiring',
      severity: 'error',
      comment: 'rooms get what they need handed in',
      from: { path: '^src/[^/]+/', pathNot: tools },
      to: { path: wiring },
    },
    { name: 'no-proof', severity: 'error', comment: 'the product knows no tests', from: { path: '^src/' }, to: { path: '^(test|bench|scripts|docker)/' } },
    room('base', base),
    room('routing', '^src/routing/'),
    // Scenarios have the control logic's conditions and clock.
    room('ivr', '^src/ivr/', '^src/routing/(conditions|hours)\\.ts$'),
    ...pure('routing', 'typebox', '@marcbachmann/cel-js', 'temporal-polyfill'),
    ...pure('ivr', 'typebox', '@dagrejs/dagre', 'libphonenumber-js'),
    room('contact', '^src/contact/', '^src/routing/', '^src/ivr/', port),
    room('cti/asterisk', '^src/cti/asterisk/', port),
    room('cti/memory', '^src/cti/memory/', port),
    room('channels', '^src/channels/', '^src/ivr/(scenario|services)\\.ts$', '^src/contact/model\\.ts$', '^src/routing/party\\.ts$', port),
    room('db', '^src/db/', '^src/(contact|routing|ivr)/', '^src/web/messages\\.ts$', port),
    room('web', '^src/web/', '^src/channels/', '^src/contact/model\\.ts$', port),
    {
      name: 'browser',
      severity: 'error',
      comment: 'what runs in a browser shares messages with the server, nothing else',
      from: { path: '^src/web/(panel|call-me)/' },
      to: { path: '^src/', pathNot: ['^src/web/(panel|call-me)/', '^src/web/(answer-|notice-|report-|scenario-)?messages\\.ts$'] },
    },
    {
      name: 'browser-libraries',
      severity: 'error',
      comment: 'a browser has no Node',
      from: { path: '^src/web/(panel|call-me)/' },
      to: { dependencyTypes: ['core'] },
    },
    only('pg', npm('pg', 'node-pg-migrate'), '^src/db/'),
    only('ari', npm('ari-client'), '^src/cti/asterisk/'),
    only('fastify', npm('fastify', '@fastify/[^/]+'), '^src/web/'),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(node_modules/.*/node_modules|var)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], mainFields: ['module', 'main', 'types'] },
  },
};
