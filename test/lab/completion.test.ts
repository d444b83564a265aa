/** What the tab key offers, in real shells: each is given the script and asked. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { completionScript, type Shell } from '../../src/cli/completion.ts'
import { grammarOf } from '../../src/cli/grammar.ts'
import { createProgram } from '../../src/cli/index.ts'
import { STRATEGIES } from '../../src/cli/strategies-help.ts'
import { ask } from './completion/asked.ts'
import { labSuite } from './suite.ts'

const RUNS = ['01JD8Z5W3M9QX7R2T4V6B8N0KC', '01JE8Z5W3M9QX7R2T4V6B8N0KC']
const INVENTORY = `
edge:
  hosts:
    web-[1:2]:
  children:
    edge_lab:
      hosts:
        lab-1:
`

const program = createProgram('1.2.3')
const commands = grammarOf(program).entries.map(({ path }) => path[0])
const settings = (...names: readonly string[]): string[] => [
  ...new Set(STRATEGIES.filter(({ name }) => names.includes(name)).flatMap(({ options }) => options)),
]

const others = (...names: readonly string[]): string[] =>
  STRATEGIES.map(({ name }) => name).filter(name => !names.includes(name))

/** A line as it is typed, and what is offered, without what was typed before it. */
const LINES: readonly (readonly [line: string, offers: readonly (string | undefined)[]])[] = [
  ['ctfix ', commands],
  ['ctfix pl', ['plan']],
  ['ctfix xyzzy', []],
  ['ctfix runs ', ['list', 'show', 'help']],
  ['ctfix runs sh', ['show']],
  ['ctfix help ro', ['rollback']],
  ['ctfix runs help ', ['list', 'show']],
  ['ctfix apply --gate cure.t', ['cure.txt']],
  ['ctfix show cure.y', ['cure.yml']],
  ['ctfix apply -i hosts.yaml --canary la', ['lab-1']],
  ['ctfix apply -i hosts.yaml --order ', ['inventory', 'pressure']],
  ['ctfix apply --reve', ['--revert-in']],
  ['ctfix apply --yes --resu', ['--resume']],
  ['ctfix inventory list --js', ['--json']],
  ['ctfix facts --strat', []],
  ['ctfix apply --become-method ', ['sudo', 'doas', 'su']],
  ['ctfix apply --become-method=d', ['doas']],
  ['ctfix apply --forks ', []],
  ['ctfix facts -i hos', ['hosts.yaml', 'hosts.sh']],
  ['ctfix facts --inventory=hosts.y', ['hosts.yaml']],
  ['ctfix plan --playbook cur', ['cure.yml']],
  ['ctfix facts --playbook-dir d', ['deep']],
  ['ctfix facts -i deep/in', ['deep/in.yaml']],
  ['ctfix apply -s ra', ['raise']],
  ['ctfix apply --strategy raise,ti', ['raise,timeouts']],
  ['ctfix apply -s raise,', others('raise').map(name => `raise,${name}`)],
  ['ctfix apply --strategy=timeouts,raise,', others('raise', 'timeouts').map(name => `timeouts,raise,${name}`)],
  ['ctfix apply -s raise,notrack,ra', []],
  ['ctfix apply -s raise --set ', settings('raise')],
  ['ctfix apply -s raise,timeouts --set esta', ['established']],
  ['ctfix apply --set raise.m', ['raise.max']],
  ['ctfix apply -i hosts.yaml -l w', ['web-1', 'web-2']],
  ['ctfix apply -i hosts.yaml -i a,b --limit edge_', ['edge_lab']],
  ["ctfix apply -i hosts.yaml -l 'edge:!ed", ['!edge', '!edge_lab']],
  ['ctfix apply --inventory=hosts.yaml --limit=web-1,la', ['web-1,lab-1']],
  ['ctfix inventory host -i hosts.yaml ', ['web-1', 'web-2', 'lab-1']],
  ['ctfix apply -i hosts.sh -l ', []],
  ['ctfix apply -i absent.yaml -l ', []],
  ['ctfix rollback ', RUNS],
  ['ctfix runs show 01JE', RUNS.slice(1)],
  ['ctfix apply --resume 01JD', RUNS.slice(0, 1)],
  ['ctfix verify --run 01JE', RUNS.slice(1)],
  ['ctfix runs show --state-dir other ', ['01JF8Z5W3M9QX7R2T4V6B8N0KC']],
  ['ctfix completion ', ['bash', 'zsh', 'fish']],
  ['ctfix strategies not', ['notrack']],
]

/** Shells differ in how much of the word they repeat, and in what they put behind it. */
function bare(offer: string): string {
  return offer
    .replace(/^--[a-z-]+=/, '')
    .replace(/^['"]?edge:(?=!)/, '')
    .replace(/[=/]$/, '')
}

for (const shell of ['bash', 'zsh', 'fish'] satisfies Shell[]) {
  labSuite(
    `completion in ${shell}`,
    async () => {
      const asked = ask(shell, completionScript(shell, program))
      const put = (name: string, text: string, mode = 0o644): void =>
        writeFileSync(join(asked.directory, name), text, { mode })
      put('hosts.yaml', INVENTORY)
      put('hosts.sh', '#!/bin/sh\ntouch ran\necho "{}"\n', 0o755)
      put('cure.yml', '[]')
      put('cure.txt', '')
      mkdirSync(join(asked.directory, 'deep'))
      put('deep/in.yaml', INVENTORY)
      for (const run of RUNS) mkdirSync(join(asked.directory, 'state/ctfix/runs', run), { recursive: true })
      mkdirSync(join(asked.directory, 'other/runs/01JF8Z5W3M9QX7R2T4V6B8N0KC'), { recursive: true })
      return asked
    },
    ({ it }) => {
      for (const [line, offers] of LINES) {
        it(`${line}⇥`, async asked => {
          const got = (await asked.offers(line)).map(bare)
          expect(got.toSorted()).toEqual(offers.toSorted())
        })
      }

      it('reads the script without a complaint', async asked => {
        const check = shell === 'fish' ? ['fish', '--no-config', '-n'] : [shell, '-n']
        expect(spawnSync('env', [...check, './script'], { cwd: asked.directory, encoding: 'utf8' })).toMatchObject({
          status: 0,
          stderr: '',
        })
        if (shell !== 'bash') return
        expect(
          spawnSync('shellcheck', ['-s', 'bash', './script'], { cwd: asked.directory, encoding: 'utf8' }).stdout,
        ).toBe('')
      })

      it('runs no inventory program', async asked => {
        await asked.offers('ctfix apply -i hosts.sh -i hosts.yaml -l ')
        const ran = await asked.offers('ctfix facts -i ra')
        expect(ran).toEqual([])
      })
    },
  )
}
