/** A password over a fleet: tried once, given to whom it belongs, and without a trace afterwards. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { NotTriedError } from '../../src/errors.ts'
import { temporary } from '../unit/transport/hosts.ts'
import { account, opener, PASSWORD, refusal, rootSecret, secret, startAccounts } from './become/accounts.ts'
import { sampleProcesses, unspelt } from './become/processes.ts'
import { hostOf } from './contract.ts'
import type { Lab } from './lab.ts'
import { type Product, productFor, runProgram } from './product.ts'
import { labSuite } from './suite.ts'

const TRANSPORTS = ['ssh2', 'openssh'] as const

labSuite(
  'passwords of a fleet',
  () => startAccounts(3),
  ({ it }) => {
    it('a wrong password is tried once, on one host of the fleet, and the run stops', async lab => {
      using product = productFor(lab, withBecome(lab, 'wrong "one"'))
      await forget(lab)
      const { result, document } = await product.json(['facts'])
      const by = (status: string) => document.hosts.filter(host => host.status === status)
      expect([by('failed').length, by('skipped').length], result.stdout).toEqual([1, 2])
      expect(by('failed')[0]?.error?.message).toMatch(/^sudo refused the password/)
      for (const { error } of by('skipped'))
        expect(error?.message).toMatch(/^not tried, for ns\d refused the password$/)
      expect(result.exitCode).toBe(1)
      expect(await attempts(lab)).toBe(1)

      // One after the other: the others are not even connected to.
      await forget(lab)
      const slow = await product.json(['facts', '-v', '--forks', '1'])
      expect(slow.document.hosts.map(({ status }) => status)).toEqual(['failed', 'skipped', 'skipped'])
      expect(slow.result.stderr.match(/: attempt$/gm)).toHaveLength(1)
      expect(await attempts(lab)).toBe(1)
    })

    it('a right password is given to every host, and a wrong one later stops no host that took it', async lab => {
      using directory = temporary()
      const open = opener(lab, directory.path)
      const good = await Promise.all(['ns1', 'ns2'].map(name => open(account(lab, name, 'ops', { password: secret }))))
      const all = await Promise.all(good.map(connection => connection.exec('/bin/sh -s', { stdin: 'exit 5' })))
      expect(all.map(({ exitCode }) => exitCode)).toEqual([5, 5])
      await refusal(open, account(lab, 'ns3', 'ops', { password: rootSecret }))
      await expect(open({ ...account(lab, 'ns3', 'ops', null), name: 'another' })).rejects.toThrow(NotTriedError)
      // What is under way is brought to its end.
      await using again = await open(account(lab, 'ns1', 'ops', { password: secret }))
      expect((await again.exec('/bin/sh -s', { stdin: 'exit 6' })).exitCode).toBe(6)
      await Promise.all(good.map(connection => connection[Symbol.asyncDispose]()))
    })

    it('where a password is looked for, one that is there is found', async lab => {
      await using sampled = sampleProcesses('kontrolle')
      const child = spawn('sh', ['-c', 'sleep 0.5; :', 'kontrolle'], { env: { ...process.env, X: 'kontrolle' } })
      await once(child, 'close')
      const { found } = await sampled.stop()
      expect(found.toSorted()).toEqual(
        expect.arrayContaining([`/proc/${child.pid}/cmdline`, `/proc/${child.pid}/environ`]),
      )
      using directory = temporary()
      mkdirSync(join(directory.path, 'a/b'), { recursive: true })
      writeFileSync(join(directory.path, 'a/b/c'), 'x kontrolle')
      expect(filesWith(directory.path, 'kontrolle')).toHaveLength(1)
      for (const file of ['/etc/kontrolle', '/var/kontrolle', '/root/kontrolle']) {
        await lab.inspect('ns1', `echo kontrolle >${file}`)
      }
      expect((await leftOn(lab, 'ns1', 'kontrolle')).match(/kontrolle$/gm)).toHaveLength(3)
    })

    for (const transport of TRANSPORTS) {
      it(`${transport}: nothing that a run leaves, prints or shows while it runs has the password in it`, async lab => {
        await forget(lab)
        using product = productFor(lab, withBecome(lab, null).slice(0, 1))
        using passwords = temporary()
        const file = join(passwords.path, 'password')
        writeFileSync(file, `${PASSWORD}\n`)
        const words = ['--become', '--become-password-file', file, '--transport', transport, '-v']
        // What it leaves among temporary files is looked at, too.
        const TMPDIR = join(product.directory, 'tmp')
        mkdirSync(TMPDIR)
        const run = (...args: readonly string[]) => product.run(args, { env: { TMPDIR } })
        await using sampled = sampleProcesses('kanarien')
        const results = [
          await run('facts', ...words),
          await run('plan', '--strategy', 'raise', '--output', 'json', ...words),
          await run('apply', '--yes', '--strategy', 'raise', '--output', 'ndjson', ...words),
          await run('facts', ...words, '--become-method', 'doas'),
          // And where it is refused: root has another one.
          await run('facts', '--output', 'json', ...words, '--become-method', 'su'),
        ]
        expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 9, 9, 0, 1])
        for (const { stdout, stderr } of results) expect(stdout + stderr).not.toContain('kanarien')
        const { looks, found } = await sampled.stop()
        expect(looks).toBeGreaterThan(20)
        expect(found).toEqual([])
        expect(filesWith(product.directory, 'kanarien')).toEqual([])
        for (const { name } of lab.hosts()) {
          expect({ name, left: await leftOn(lab, name, 'kanarien') }).toEqual({ name, left: '' })
        }
      })
    }

    it('-K asks for it, without an echo; the inventory has it for hosts of its own', async lab => {
      using product = productFor(lab, withBecome(lab, null).slice(0, 1))
      const { exitCode, shown } = await onTerminal(product, ['facts', '-b', '-K'], PASSWORD)
      expect({ exitCode, shown }).toMatchObject({ exitCode: 0, shown: expect.stringContaining('BECOME password: ') })
      expect(shown).not.toContain('kanarien')
      using own = productFor(lab, withBecome(lab, PASSWORD).slice(0, 1))
      const { document } = await own.json(['facts'])
      expect(document.hosts[0]).toMatchObject({ status: 'ok', facts: { root: true } })
      const applied = await own.run(['apply', '--strategy', 'raise', '--yes', '--output', 'json'])
      expect(applied.exitCode).toBe(9)
      const state = join(own.directory, 'state')
      expect(filesWith(state, 'ns1').length).toBeGreaterThan(0)
      expect(filesWith(state, 'kanarien')).toEqual([])
      const asked = await runProgram(['inventory', 'host', 'ns1', '-i', own.inventory])
      expect(asked.stdout).toContain('ansible_become_password')
      for (const { stdout, stderr } of [applied, asked]) expect(stdout + stderr).not.toContain('kanarien')
    })

    it('a password file that is none is said before any host is touched', async lab => {
      using product = productFor(lab, withBecome(lab, null))
      const file = join(product.directory, 'two-lines')
      writeFileSync(file, 'a\nb\n')
      const result = await product.run(['facts', '-b', '--become-password-file', file])
      expect(result.exitCode).toBe(65)
      expect(result.stderr).toContain(`${file}: expected one line with the password, got several lines`)
      const missing = await runProgram(['facts', '-i', 'x,', '-b', '--become-password-file', '/nonexistent'])
      expect([missing.exitCode, missing.stderr]).toEqual([
        65,
        expect.stringContaining('/nonexistent: cannot read the password file'),
      ])
    })
  },
)

/** The lab's hosts as `ops`, who needs a password to become root; this one, if any, is in the inventory. */
function withBecome(lab: Lab, password: string | null) {
  return lab.hosts().map(({ name }) => {
    const { vars, ...host } = hostOf(lab, name)
    const become = password === null ? {} : { ansible_become: true, ansible_become_password: password }
    return { ...host, vars: { ...vars, ansible_user: 'ops', ...become } }
  })
}

const forget = (lab: Lab): Promise<unknown> =>
  Promise.all(
    lab.hosts().map(({ name }) => lab.inspect(name, ': >/run/attempts; chmod 666 /run/attempts; rm -rf /run/sudo/ts')),
  )

/** How many times a password was given to PAM, over all hosts. */
async function attempts(lab: Lab): Promise<number> {
  const logs = await Promise.all(lab.hosts().map(({ name }) => lab.inspect(name, 'cat /run/attempts')))
  return logs.reduce((sum, { stdout }) => sum + (stdout.match(/given/g)?.length ?? 0), 0)
}

/** Files of a host with the text in them: what its own /etc and /var took in lies below /run, too. */
async function leftOn(lab: Lab, name: string, text: string): Promise<string> {
  return (await lab.inspect(name, `find /run /root -type f -exec grep -l '${unspelt(text)}' {} +; :`)).stdout.trim()
}

function filesWith(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => readFileSync(file).includes(text))
}

/** The program on a terminal made by script(1), with this typed at its question. */
function onTerminal(
  product: Product,
  words: readonly string[],
  typed: string,
): Promise<{ exitCode: number; shown: string }> {
  const fixed = ['-i', product.inventory, '--known-hosts', join(product.directory, 'known_hosts')]
  const line = [process.execPath, 'bin/ctfix.js', ...words, ...fixed].map(word => `'${word}'`).join(' ')
  const child = spawn('script', ['-qefc', line, '/dev/null'], { stdio: 'pipe' })
  let shown = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const asked = shown.includes('password: ')
    shown += chunk.toString('utf8')
    if (!asked && shown.includes('password: ')) child.stdin.write(`${typed}\r`)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ exitCode: code ?? -1, shown }))
  })
}
