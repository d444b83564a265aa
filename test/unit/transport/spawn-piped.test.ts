/** A process that has used up its open files: what starts programs says so, and how to get more. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cannotConnect } from '../../../src/transport/failure.ts'
import { openCommand, withCommandWords } from '../../../src/transport/proxy-command.ts'
import { hostOf, temporary } from './hosts.ts'

const transport = new URL('../../../src/transport/', import.meta.url).pathname

test.each([
  ['local', 'local.ts', 'async () => (await module.connectLocal(host, signal)).exec("true")'],
  ['a proxy command', 'proxy-command.ts', 'async () => module.openCommand(host, "cat")'],
  ['openssh', 'openssh.ts', 'async () => module.createOpensshConnect({ configFile: "none" })(host, signal)'],
])('%s', (_, file, work) => {
  using directory = temporary()
  const script = join(directory.path, 'script.ts')
  writeFileSync(
    script,
    `import { closeSync, openSync } from 'node:fs'
    import * as module from ${JSON.stringify(join(transport, file))}
    const host = ${JSON.stringify(hostOf())}
    const { signal } = new AbortController()
    const files = []
    try { for (;;) files.push(openSync('/dev/null', 'r')) } catch {}
    closeSync(files.pop())
    const { message, hint } = await (${work})().then(() => new Error('it was started'), error => error)
    process.stdout.write(JSON.stringify({ message, hint }))`,
  )
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', `ulimit -n 40; exec "${process.execPath}" "${script}"`], {
    encoding: 'utf8',
  })
  expect(stdout, stderr).not.toBe('')
  expect(JSON.parse(stdout)).toEqual({
    message: expect.stringContaining('this machine allows ctfix no more open files'),
    hint: expect.stringContaining('ulimit -n'),
  })
})

test.each([
  ['here', 'proxy-command.ts', (command: string) => `module.openCommand(host, ${command})`],
  [
    'under ssh',
    'openssh-master.ts',
    (command: string) =>
      `new module.OpensshMaster(() => ['-N', '-F', '/dev/null', '-o', 'ProxyCommand=' + ${command}, 'nobody'], ` +
      '{ env: process.env, onLine: () => {} })',
  ],
])(
  'a proxy command that heeds no end of its input ends with this process, even where that is killed: %s',
  async (_, file, work) => {
    using directory = temporary()
    const [script, pid] = [join(directory.path, 'script.ts'), join(directory.path, 'pid')]
    const command = `sh -c 'echo $$ >${pid}.new; mv ${pid}.new ${pid}; exec sleep 60' | cat`
    writeFileSync(
      script,
      `import * as module from ${JSON.stringify(join(transport, file))}
    const host = ${JSON.stringify(hostOf())}
    ${work(JSON.stringify(command))}`,
    )
    const child = spawn(process.execPath, [script], { stdio: 'inherit' })
    await expect.poll(() => existsSync(pid), { timeout: 20_000 }).toBe(true)
    const sleeper = Number(readFileSync(pid, 'utf8'))
    expect(isRunning(sleeper)).toBe(true)
    child.kill('SIGKILL')
    await expect.poll(() => isRunning(sleeper), { timeout: 5_000 }).toBe(false)
  },
)

test.each([
  ['ctfix-no-such-program 1', 'protocol', /its ProxyCommand ended: .*ctfix-no-such-program.* not found$/],
  ['echo no way >&2; exit 1', 'closed', /its ProxyCommand ended: no way$/],
] as const)(
  'a proxy command that is not there is not tried again, one that fails is: %s',
  async (command, reason, says) => {
    const stream = openCommand(hostOf(), command)
    await once(stream.resume(), 'close')
    const error = await withCommandWords(hostOf(), cannotConnect(hostOf(), 'closed', 'it closed'), stream)
    expect(error).toMatchObject({ reason, retryable: reason === 'closed', message: expect.stringMatching(says) })
  },
)

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
