/** Services, what boot starts, the image of boot, and modules that do not leave: as scripts, as looks and as text. */
import { expect, describe as group, it } from 'vitest'
import { z } from 'zod'
import {
  type BootServiceChange,
  type Change,
  type InitramfsChange,
  invert,
  isNoop,
  type ModuleChange,
  mergeChanges,
  type ServiceChange,
} from '../../../src/change/change.ts'
import { applyScript, describe, expectScript, lookScript, undoScript } from '../../../src/change/kinds.ts'
import { LookError } from '../../../src/change/look.ts'
import { compile } from '../../../src/plan/compile.ts'
import { applyToFacts } from '../../../src/plan/foresee.ts'
import { makePlan } from '../../../src/plan/plan.ts'
import { planSchema } from '../../../src/plan/plan-file.ts'
import { defineStrategy } from '../../../src/strategy/strategy.ts'
import { fileChange, planOf } from '../../support/changes.ts'
import { makeFacts } from '../../support/facts.ts'
import { parseLook } from '../../support/looks.ts'

const why = 'w'
const STOP: ServiceChange = { kind: 'service', layer: 'runtime', target: 'ufw', before: 'running', after: null, why }
const LEAVE: BootServiceChange = {
  kind: 'boot-service',
  layer: 'persistent',
  target: 'ufw',
  before: 'boot default',
  after: null,
  why,
}
const IMAGE: InitramfsChange = {
  kind: 'initramfs',
  layer: 'persistent',
  target: '/boot/initrd.img-6.1',
  before: 'holds nf_conntrack',
  after: 'rebuilt',
  why,
}
const MODULE: ModuleChange = { kind: 'module', layer: 'runtime', target: 'nf_nat', before: 'loaded', after: null, why }
const FILE = fileChange('/etc/a', null, 'ours')

it('services are checked, stopped, started and looked at', () => {
  const scripts = (change: ServiceChange) =>
    [expectScript, applyScript, undoScript, lookScript].map(make => make(change as ServiceChange).text)
  expect(scripts(STOP)).toEqual([
    'expect_service ufw',
    'stop_service ufw "$@"',
    'start_service ufw "$@"',
    'show_service ufw',
  ])
  expect(scripts(invert(STOP)).slice(0, 3)).toEqual(['expect_no_service ufw', 'start_service ufw', 'stop_service ufw'])
})

it('what boot does is checked and taken back from ours only', () => {
  expect(expectScript(LEAVE).text).toBe("expect_boot_service ufw 'boot default'")
  expect(undoScript(LEAVE).text).toBe("restore_boot_service ufw '' 'boot default'")
  expect(lookScript(LEAVE).text).toBe('show_boot_service ufw')
  expect(undoScript(IMAGE).text).toBe('restore_image /boot/initrd.img-6.1 "$@"')
})

group('a look', () => {
  it.each([
    [STOP, 'running\n', { state: 'running' }],
    [STOP, 'stopped\n', { state: null }],
    [LEAVE, 'on boot default\n', { state: 'boot default' }],
    [LEAVE, 'on 2345\n', { state: '2345' }],
    [LEAVE, 'off\n', { state: null }],
    [IMAGE, 'image 0af 12\n', { state: 'holds nf_conntrack' }],
    [invert(IMAGE), 'image 0af 12\n', { state: 'holds nf_conntrack' }],
    [IMAGE, 'image 0af 12 rebuilt\n', { state: 'rebuilt' }],
    [IMAGE, 'image 0af 12 anew\n', { state: 'made anew by somebody else' }],
    [IMAGE, 'absent\n', { state: null }],
    [IMAGE, 'unreadable\n', { refused: 'it could not be read' }],
    [MODULE, 'unloading\n', { refused: 'it is still being taken out, which may last until the next boot' }],
  ] as const)('at $kind: %s', (change, text, looked) => {
    expect(parseLook(change, text)).toEqual(looked)
  })

  it.each([STOP, LEAVE, IMAGE, MODULE])('is refused when it is none: $kind', change => {
    for (const text of ['', 'nonsense\n', 'on \n', 'image x\n', 'on a;b\n']) {
      expect(() => parseLook(change, text)).toThrow(LookError)
    }
  })
})

it('each is one line of a diff', () => {
  expect([STOP, LEAVE, IMAGE, invert(LEAVE)].map(describe)).toEqual([
    '~ service ufw: running → stopped',
    '~ service ufw at boot: boot default → not started',
    '~ /boot/initrd.img-6.1: holds nf_conntrack → rebuilt',
    '~ service ufw at boot: not started → boot default',
  ])
})

it('two of one target are joined, and what ends where it began falls out', () => {
  for (const change of [STOP, LEAVE, IMAGE]) {
    expect(mergeChanges([change, invert(change)])).toEqual([])
    const later = { ...change, before: change.after, why: 'v' } as Change
    expect(mergeChanges([change, later])).toEqual([{ ...change, why: 'w; v' }])
    expect(isNoop(change)).toBe(false)
  }
})

group('a plan with them', () => {
  const plan = planOf([STOP, FILE, LEAVE, IMAGE])
  const { apply, undo } = compile(plan, '')
  const body = (script: string, name: string): string[] => {
    const from = script.indexOf(`do_${name}() {`)
    return script.slice(from, script.indexOf('\n}\n', from)).split('\n').slice(2)
  }

  it('fails before anything is touched where an image has no room', () => {
    expect(body(apply, 'check')).toEqual([
      '  expect_service ufw || exit 75',
      '  expect_absent /etc/a || exit 75',
      "  expect_boot_service ufw 'boot default' || exit 75",
      '  expect_image /boot/initrd.img-6.1 any "$@" || exit 75',
      '  room_for_image /boot/initrd.img-6.1 "$@" || exit 73',
      '  keep_copy /etc/a >/dev/null 2>&1 || exit 74',
      '  keep_copy /boot/initrd.img-6.1 >/dev/null 2>&1 || exit 74',
    ])
  })

  it('takes out of boot what would fail on the files before they come, and makes the image last', () => {
    expect(body(apply, 'change')).toEqual(['  still "$1" armed && stop_service ufw "$@" || exit 1'])
    const steps = body(apply, 'files').map(line => /\{ (.*); \} \|\| exit 1$/.exec(line)?.[1])
    expect(steps.slice(1, 3)).toEqual([
      "boot_service_is ufw '' || expect_boot_service ufw 'boot default'",
      'image_is_done /boot/initrd.img-6.1 "$@" || expect_image /boot/initrd.img-6.1 any "$@"',
    ])
    const leaves = steps.indexOf("put_boot_service ufw ''")
    expect(leaves).toBeGreaterThan(0)
    expect(leaves).toBeLessThan(steps.findIndex(step => step?.startsWith('stage_file /etc/a')))
    expect(steps.slice(-2)).toEqual(['settle_file /etc/a', 'rebuild_image /boot/initrd.img-6.1 "$@"'])
    expect(body(undo, 'undo')[1]).toBe('  restore_image /boot/initrd.img-6.1 "$@" || failed=1')
  })

  it('is ordered so, in whatever order it was thought of, and so it is on the way back', () => {
    const strategy = defineStrategy({
      name: 's',
      summary: '',
      relief: 'later',
      options: z.object({}),
      plan: () => ({ changes: [IMAGE, LEAVE, FILE, STOP], warnings: [], blockers: [], settled: {} }),
    })
    const made = makePlan('h', { steps: [{ strategy, options: {} }], force: false }, makeFacts())
    expect(made.changes.map(({ kind }) => kind)).toEqual(['service', 'boot-service', 'file', 'initramfs'])
    // Backwards: what it would fail on is gone before boot starts it again.
    const back = body(compile(made, '').undo, 'undo').map(line => line.trim().split(' ')[0])
    expect(back.slice(1, 5)).toEqual(['restore_image', 'drop_ours', 'restore_boot_service', 'start_service'])
    expect(planSchema.parse(JSON.parse(JSON.stringify(made)))).toMatchObject({ changes: made.changes })
  })

  it('is not read back with a name that would be an option or a path', () => {
    for (const change of [
      { ...STOP, target: '--now' },
      { ...LEAVE, target: 'a/b' },
      { ...LEAVE, before: '$(x)' },
      { ...IMAGE, target: '/boot/a b' },
    ]) {
      expect(planSchema.safeParse({ ...plan, changes: [change] }).success).toBe(false)
    }
  })
})

it('facts follow where they were asked for', () => {
  const bare = makeFacts()
  expect(applyToFacts(bare, [STOP, LEAVE, IMAGE])).toEqual(bare)
  const tracking = {
    available: null,
    dryRuns: {},
    initramfs: { path: IMAGE.target, tool: null, holds: ['nf_conntrack'] },
    savedRules: [],
    savedUnread: [],
    services: [
      { name: 'ufw', running: true, enabled: true, startedBy: 'boot default' },
      { name: 'docker', running: true, enabled: true },
    ],
    interfaces: [],
    otherNamespaces: 0,
    ownConnection: null,
    resolvers: [],
    timeServers: [],
  }
  expect(applyToFacts({ ...bare, tracking }, [STOP, LEAVE, IMAGE]).tracking).toEqual({
    ...tracking,
    initramfs: { ...tracking.initramfs, holds: [] },
    services: [{ name: 'ufw', running: false, enabled: false }, tracking.services[1]],
  })
  expect(applyToFacts({ ...bare, tracking }, [invert(IMAGE)]).tracking).toEqual(tracking)
})
