/** One forgotten rule makes the kernel track every connection; without it, not one. */
import { expect } from 'vitest'
import { filesOf, liveRules } from '../notrack/host.ts'
import { burst, readTable } from '../notrack/load.ts'
import { makeStateless } from './stateless.ts'
import type { Part } from './suite.ts'

const WISH = ['--strategy', 'untrigger', '--set', 'stray=true', '--set', 'entries=true']
const CONNECTIONS = 100

export const untriggered: Part = ({ it }) => {
  let run = ''
  let before = { rules: '', files: '' }

  it('a forgotten MASQUERADE: each of a hundred connections is tracked', async ({ vm }) => {
    await makeStateless(vm, { forgotten: true })
    before = { rules: await liveRules(vm), files: await filesOf(vm) }
    await burst(vm, CONNECTIONS)
    expect((await readTable(vm)).web[4]).toBeGreaterThanOrEqual(CONNECTIONS / 2)
  })

  it('untrigger takes it out, live and saved, and the old entries with it', async ({ product, vm }) => {
    const { result, document } = await product.json(['apply', ...WISH, '--yes', '--window', '1s'])
    const [host] = document.hosts
    expect(host?.status, `${JSON.stringify(host)}\n${result.stderr}`).toBe('changed')
    expect(result.exitCode).toBe(0)
    run = document.run
    await burst(vm, CONNECTIONS)
    expect(await readTable(vm)).toEqual({ all: 0, web: { 4: 0, 6: 0 } })
    expect(await vm.script('iptables-save; cat /etc/iptables/rules.v4')).not.toContain('MASQUERADE')
    const again = await product.json(['apply', ...WISH, '--yes', '--window', '1s'])
    expect(again.document.hosts[0], again.result.stderr).toMatchObject({ status: 'ok', changes: [] })
  })

  it('rollback: the rule is back, and every file byte for byte', async ({ product, vm }) => {
    const { result, document } = await product.json(['rollback', run, '--yes'])
    expect(result.exitCode, `${JSON.stringify(document.hosts[0])}\n${result.stderr}`).toBe(0)
    expect(await liveRules(vm)).toBe(before.rules)
    expect(await filesOf(vm)).toBe(before.files)
  })
}
