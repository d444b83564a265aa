/** A whole apply as an ordinary user with a password, on a host that keeps a run directory; nothing of it in there. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { temporary } from '../unit/transport/hosts.ts'
import { PASSWORD, ROOT_PASSWORD } from './become/accounts.ts'
import { sampleProcesses, unspelt } from './become/processes.ts'
import { type ContainerLab, startContainers } from './container.ts'
import { hostOf } from './contract.ts'
import { productFor } from './product.ts'
import { labSuite } from './suite.ts'

const HOST = 'centos5'
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

async function start(): Promise<ContainerLab> {
  const lab = await startContainers([{ kind: HOST, user: 'ops' }])
  const script = `
    printf 'ops:%s\\nroot:%s\\n' ${quoted(PASSWORD)} ${quoted(ROOT_PASSWORD)} | chpasswd
    rm -f /etc/sudoers.d/ops; echo 'ops ALL=(ALL) ALL' >>/etc/sudoers`
  const { exitCode, stderr } = await lab.inspect(HOST, script)
  if (exitCode !== 0) throw new Error(stderr)
  return lab
}

const WAYS = [
  { name: 'sudo', transport: 'ssh2', words: [], password: PASSWORD, before: '' },
  { name: 'su', transport: 'openssh', words: ['--become-method', 'su'], password: ROOT_PASSWORD, before: '' },
  {
    name: 'sudo with requiretty',
    transport: 'ssh2',
    words: [],
    password: PASSWORD,
    before: `echo 'Defaults requiretty' >>/etc/sudoers`,
  },
] as const

labSuite('apply with a password', start, ({ it }) => {
  for (const { name, transport, words, password, before } of WAYS) {
    it(`${name} over ${transport}: applied, verified, taken back, and no trace of the password`, async lab => {
      if (before) expect((await lab.inspect(HOST, before)).exitCode).toBe(0)
      using product = productFor(lab, [hostOf(lab, HOST)])
      using passwords = temporary()
      const file = join(passwords.path, 'password')
      writeFileSync(file, `${password}\n`)
      const become = ['--become-password-file', file, '--transport', transport, ...words]
      await using sampled = sampleProcesses('kanarien')
      const raise = ['--strategy', 'raise,timeouts', '--window', '1s']
      const applied = await product.json(['apply', '--yes', ...raise, ...become])
      expect(applied.result.exitCode, applied.result.stdout + applied.result.stderr).toBe(0)
      expect(applied.document.hosts[0]?.status).toBe('changed')
      const kept = await lab.inspect(HOST, 'ls /var/lib/ctfix/*/apply.sh; stat -c %U /var/lib/ctfix/*/apply.sh')
      expect(kept.stdout).toMatch(/apply\.sh\nroot\n/)
      const back = await product.json(['rollback', applied.document.run, '--yes', ...become])
      expect(back.result.exitCode, back.result.stdout).toBe(0)

      const { looks, found } = await sampled.stop()
      expect(looks).toBeGreaterThan(20)
      expect(found).toEqual([])
      for (const { result } of [applied, back]) expect(result.stdout + result.stderr).not.toContain('kanarien')
      const local = readdirSync(product.directory, { recursive: true, withFileTypes: true }).filter(entry =>
        entry.isFile(),
      )
      expect(local.length).toBeGreaterThan(3)
      for (const entry of local) {
        expect(readFileSync(join(entry.parentPath, entry.name), 'utf8'), entry.name).not.toContain('kanarien')
      }
      const looked = `find /var /run /tmp /etc /root /home -type f -exec grep -l '${unspelt('kanarien')}' {} +; :`
      const left = await lab.inspect(HOST, looked)
      expect(left.stdout).toBe('')
    })
  }
})
