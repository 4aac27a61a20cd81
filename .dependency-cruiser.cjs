// Which way imports go, of types too: no circle anywhere, and in `ts/` only from a room to those below it.
// Highest first; CONTRIBUTING.md says what each room holds.
const ROOMS = [
  ['backstage'],
  ['services'],
  ['provider'],
  ['export', 'resource'],
  ['declarative', 'instruments'],
  ['options'],
  ['addon'],
  ['common'],
];

const inRooms = rooms => `^ts/(${rooms.join('|')})/`;

const upwards = ROOMS.slice(1).map((level, at) => ({
  name: `${level.join('-and-')}-reaches-up`,
  comment: `${level.join(', ')} may only use the rooms below: ${ROOMS.slice(
    at + 2,
  )
    .flat()
    .join(', ')}`,
  severity: 'error',
  from: { path: inRooms(level) },
  to: { path: inRooms(ROOMS.slice(0, at + 1).flat()) },
}));

// Rooms of one level do not use each other.
const sideways = ROOMS.flatMap(level =>
  level.map(room => [room, level.filter(other => other !== room)]),
)
  .filter(([, others]) => others.length > 0)
  .map(([room, others]) => ({
    name: `${room}-reaches-aside`,
    severity: 'error',
    from: { path: inRooms([room]) },
    to: { path: inRooms(others) },
  }));

module.exports = {
  forbidden: [
    {
      name: 'circle',
      comment: 'a file of a circle cannot be understood, tested or moved alone',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...upwards,
    ...sideways,
    {
      name: 'room-without-a-level',
      comment: 'say in .dependency-cruiser.cjs where a new room belongs',
      severity: 'error',
      from: {
        path: '^ts/[^/]+/',
        pathNot: inRooms([...ROOMS.flat(), 'doctor']),
      },
      to: {},
    },
    {
      name: 'into-the-doctor',
      comment:
        'the doctor looks at everything; only the command line starts it',
      severity: 'error',
      from: { path: '^ts/', pathNot: '^ts/(doctor/|cli\\.ts$)' },
      to: { path: '^ts/doctor/' },
    },
    {
      name: 'room-reaches-an-entry-point',
      comment:
        'what users import is made of the rooms, never the other way round',
      severity: 'error',
      from: { path: '^ts/[^/]+/' },
      to: { path: '^ts/[^/]+\\.ts$' },
    },
    {
      name: 'common-plugin-reaches-up',
      comment: 'the common plugin runs in the browser and in the backend',
      severity: 'error',
      from: { path: '^plugins/prometheus-common/' },
      to: { path: '^plugins/(prometheus|prometheus-backend)/' },
    },
    {
      name: 'browser-and-backend',
      comment: 'what both need is in prometheus-common',
      severity: 'error',
      from: { path: '^plugins/(prometheus|prometheus-backend)/' },
      to: {
        path: '^plugins/(prometheus|prometheus-backend)/',
        pathNot: '^plugins/$1/',
      },
    },
  ],
  options: {
    // Imports of types too, which the compiled files have no longer.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|node_modules)/' },
  },
};
