import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 22)) {
  throw new Error(`the tests need Node 22.22 or newer, this is ${process.versions.node}: run them by "npm test"`)
}

/** These wait for timers, or run a thing a hundred times: they are for `npm test`, not for every commit. */
const SLOW = [
  'test/sh/guard-lock.test.ts',
  'test/sh/guard-killed.test.ts',
  'test/sh/guard-timer.test.ts',
  'test/sh/guard-slow.test.ts',
  'test/sh/own-rules.test.ts',
  'test/sh/own-rules-odd.test.ts',
  'test/sh/guard-refusals.test.ts',
  'test/sh/probe-flows.test.ts',
  'test/sh/probe-tracking.test.ts',
  'test/unit/transport/agent.test.ts',
  'test/unit/inventory/size.test.ts',
]

/** Made-up hosts in the test's own process: they wait more than they work, so two files run at a time. */
const SIMULATED = [
  'test/lab/{apply,rollback}/**/*.test.ts',
  'test/lab/{simulated*,guard-races,readme,bad-input}.test.ts',
  'test/lab/faults/**/*.test.ts',
  ...SLOW,
]

/** One real kernel each, or one owner of its rules. */
const MACHINES = [
  'test/lab/vm-{5.10,6.1,6.12,7.x}.test.ts',
  'test/lab/vm-{notrack,tracking}-*.test.ts',
  'test/lab/vm-diagnose.test.ts',
  'test/lab/demo.test.ts',
]

/** Keeps both cores busy by itself. */
const TWO_MACHINES = 'test/lab/vm-faults.test.ts'

/** Those that take minutes begin first: none is left for one worker at the end while the other has nothing to do. */
const LONGEST = [
  ...[
    'simulated-terminal',
    'faults/matrix',
    'rollback/any-plan',
    'readme',
    'guard-races',
    'container-faults',
    'container-old-world',
    'apply/unknown',
    'simulated-watch',
    'ssh-jump',
    'transport/agent',
  ],
  ...[
    'vm-6.1',
    'vm-notrack-ufw',
    'vm-notrack-nftables',
    'vm-notrack-5.10',
    'vm-7.x',
    'vm-tracking-6.1',
    'vm-notrack-firewalld',
  ],
]

/** A test that asserts nothing is none. */
const ASSERTING = { expect: { requireAssertions: true } }

/** What a lab does hangs on the time a machine leaves it. `npm test` names each that passed on its second try only. */
const SECOND_TRY = { retry: 1, ...ASSERTING }

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex(name => moduleId.endsWith(`/${name}.test.ts`))
      return place < 0 ? LONGEST.length : place
    }
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Most of them wait for shells that they started.
    maxWorkers: 2,
    projects: [
      // Their files leave nothing behind that others could meet, so not each of them loads all modules anew.
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/architecture.test.ts'],
          exclude: SLOW,
          isolate: false,
          testTimeout: 30_000,
          ...ASSERTING,
        },
      },
      {
        test: {
          name: 'sh',
          include: ['test/sh/**/*.test.ts'],
          exclude: SLOW,
          isolate: false,
          testTimeout: 30_000,
          ...ASSERTING,
        },
      },
      { test: { name: 'simulated', include: SIMULATED, testTimeout: 600_000, hookTimeout: 900_000, ...SECOND_TRY } },
      {
        // Containers and namespaces.
        test: {
          name: 'lab',
          // They wait for each other's ends: for logins, for timers of the guard.
          maxWorkers: 3,
          include: ['test/lab/**/*.test.ts'],
          exclude: [...MACHINES, TWO_MACHINES, ...SIMULATED],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          ...SECOND_TRY,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'faults',
          include: [TWO_MACHINES],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          ...SECOND_TRY,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // A machine keeps one core busy: two at a time, and nothing beside them.
        test: {
          name: 'vm',
          include: MACHINES,
          maxWorkers: 2,
          testTimeout: 400_000,
          hookTimeout: 900_000,
          ...SECOND_TRY,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
