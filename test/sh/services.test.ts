/** Services are stopped, started, and entered for boot as each manager does it, under every shell. */
import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as bootService from '../../src/change/boot-service.ts'
import type { BootServiceChange, Change, ServiceChange } from '../../src/change/change.ts'
import { applyScript, expectScript, lookScript, undoScript } from '../../src/change/kinds.ts'
import type { Script } from '../../src/lang/sh.ts'
import { type Platform, SHELLS, Stage } from '../facts/stage.ts'
import { parseLook } from '../support/looks.ts'
import { hastyLibrary } from '../support/shells.ts'

const turn = (name: string, verb: string): string => `case ${verb} in
  start) printf '' >/run/fake/${name} ;;
  stop) [ -e /run/fake/stuck ] || rm -f /run/fake/${name} ;;
  status) [ -e /run/fake/${name} ] ;;
esac`

const MANAGERS: Readonly<Record<string, { platform: Platform; state: string; other: string; links: string }>> = {
  systemd: {
    state: 'enabled',
    other: 'enabled',
    links: '/run/fake/wants',
    platform: {
      files: { '/run/fake/ufw': '', '/run/fake/wants/ufw': '' },
      directories: ['/run/systemd/system'],
      tools: {
        systemctl: `case $1 in
  is-active) if [ -e "/run/fake/$2" ]; then echo active; else echo inactive; exit 3; fi ;;
  is-enabled) if [ -e "/run/fake/wants/$2" ]; then echo enabled; else echo disabled; exit 1; fi ;;
  enable) printf '' >"/run/fake/wants/$2" ;;
  disable) rm "/run/fake/wants/$2" ;;
  *) ${turn('$2', '$1')} ;;
esac`,
      },
    },
  },
  OpenRC: {
    state: 'boot default',
    other: 'default',
    links: '/etc/runlevels',
    platform: {
      files: { '/run/fake/ufw': '', '/etc/runlevels/boot/ufw': '', '/etc/runlevels/default/ufw': '' },
      directories: ['/run/openrc'],
      tools: {
        'rc-service': turn('$1', '$2'),
        'rc-update': `case $1 in add) printf '' >"/etc/runlevels/$3/$2" ;; del) rm "/etc/runlevels/$3/$2" ;; esac`,
      },
    },
  },
  chkconfig: {
    state: '2345',
    other: '35',
    links: '/etc/rc.d',
    platform: {
      files: {
        '/run/fake/ufw': '',
        '/etc/init.d/ufw': [`#!/bin/sh\n${turn('ufw', '$1')}\n`, 0o755],
        ...Object.fromEntries([2, 3, 4, 5].map(level => [`/etc/rc.d/rc${level}.d/S08ufw`, ''])),
      },
      directories: [0, 1, 6].map(level => `/etc/rc.d/rc${level}.d`),
      tools: {
        service: 'exec "/etc/init.d/$1" "$2"',
        chkconfig: `for level in 0 1 2 3 4 5 6; do
  case $2 in *$level*) ;; *) continue ;; esac
  if [ "$4" = on ]; then printf '' >"/etc/rc.d/rc$level.d/S08$3"; else rm -f "/etc/rc.d/rc$level.d/S08$3"; fi
done`,
      },
    },
  },
  'update-rc.d': {
    state: '2345',
    other: '2',
    links: '/etc',
    platform: {
      files: {
        '/run/fake/ufw': '',
        '/etc/init.d/ufw': [`#!/bin/sh\n${turn('ufw', '$1')}\n`, 0o755],
        ...Object.fromEntries([2, 3, 4, 5].map(level => [`/etc/rc${level}.d/S20ufw`, ''])),
      },
      tools: {
        'update-rc.d': `for level in \${3:-2 3 4 5 S}; do
  if [ "$2" = enable ]; then [ ! -d "/etc/rc$level.d" ] || printf '' >"/etc/rc$level.d/S20$1"; else rm -f "/etc/rc$level.d/S20$1"; fi
done`,
      },
    },
  },
}

const stop: ServiceChange = {
  kind: 'service',
  layer: 'runtime',
  target: 'ufw',
  before: 'running',
  after: null,
  why: 'w',
}
const leave = (before: string | null, after: string | null = null): BootServiceChange => ({
  kind: 'boot-service',
  layer: 'persistent',
  target: 'ufw',
  before,
  after,
  why: 'w',
})

describe.each(SHELLS)('services.sh under %s', shell => {
  describe.each(Object.entries(MANAGERS))('with %s', (_name, { platform, state, other, links }) => {
    const staged = (): Stage => new Stage({ ...platform, programs: ['rm'] }, shell)
    function run(stage: Stage, ...scripts: readonly Script[]) {
      const body = scripts.map(({ text }) => `  { ${text}; } || return 1`).join('\n')
      return stage.run(`${hastyLibrary()}\nmain() {\n${body}\n}\nmain </dev/null\n`)
    }
    const look = (stage: Stage, change: Change): unknown => parseLook(change, run(stage, lookScript(change)).stdout)

    it('stops a service, once, and starts it again', () => {
      using stage = staged()
      expect(look(stage, stop)).toEqual({ state: 'running' })
      expect(run(stage, expectScript(stop), applyScript(stop), applyScript(stop))).toMatchObject({
        status: 0,
        stderr: '',
      })
      expect(look(stage, stop)).toEqual({ state: null })
      expect(run(stage, expectScript(stop)).status).toBe(1)
      expect(run(stage, undoScript(stop), undoScript(stop)).status).toBe(0)
      expect(look(stage, stop)).toEqual({ state: 'running' })
      // Whatever its tool says, only its status counts.
      stage.write('/run/fake/stuck', '')
      expect(run(stage, applyScript(stop))).toMatchObject({ status: 1, stderr: 'ctfix: cannot stop service ufw\n' })
    })

    it('takes it out of boot and puts it back where it was', () => {
      using stage = staged()
      const before = readdirSync(stage.path(links), { recursive: true }).toSorted()
      const change = leave(state)
      expect(look(stage, change)).toEqual({ state })
      expect(
        run(stage, bootService.expectEither(change), bootService.render(change), bootService.render(change)),
      ).toMatchObject({
        status: 0,
        stderr: '',
      })
      expect(look(stage, change)).toEqual({ state: null })
      expect(run(stage, bootService.expectEither(change)).status).toBe(0)
      expect(run(stage, expectScript(change)).status).toBe(1)
      expect(run(stage, undoScript(change), undoScript(change)).status).toBe(0)
      expect(readdirSync(stage.path(links), { recursive: true }).toSorted()).toEqual(before)
    })

    it('leaves what somebody else made of it since, and ends what was cut off half the way', () => {
      using stage = staged()
      // Ours was to be started nowhere, and is somewhere in between.
      expect(run(stage, bootService.render(leave(state, other)), undoScript(leave(state))).status).toBe(0)
      expect(look(stage, leave(state))).toEqual({ state })
      if (state === other) return
      expect(run(stage, undoScript(leave(other)))).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('changed by somebody else since'),
      })
    })
  })

  it('says so where there is no such service', () => {
    using stage = new Stage({ files: {} }, shell)
    const text = (script: Script): string => `${hastyLibrary()}\nmain() { ${script.text}; }\nmain </dev/null\n`
    expect(stage.run(text(lookScript(stop))).stdout).toBe('stopped\n')
    expect(stage.run(text(lookScript(leave(null)))).stdout).toBe('off\n')
    expect(stage.run(text(applyScript({ ...stop, before: null, after: 'running' }))).status).toBe(1)
    expect(existsSync(stage.path('/run/fake'))).toBe(false)
  })
})
