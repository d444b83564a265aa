/** By hand: `cli.ts build 6.1` prepares a machine, `cli.ts up 6.1` runs one until Ctrl-C. */
import { parseArgs } from 'node:util'
import { LabUnavailable } from '../lab.ts'
import { buildVm, KERNELS, type KernelLabel, startVm } from '../vm.ts'
import { fillTable } from './traffic.ts'

const USAGE = `usage: cli.ts build|up ${Object.keys(KERNELS).join('|')} [--managers] [--user ops|root] [--cold] [--full]\n`

function isKernel(text: string | undefined): text is KernelLabel {
  return text !== undefined && Object.hasOwn(KERNELS, text)
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      user: { type: 'string' },
      cold: { type: 'boolean' },
      full: { type: 'boolean' },
      managers: { type: 'boolean' },
    },
  })
  const [command, kernel] = positionals
  if ((command !== 'build' && command !== 'up') || !isKernel(kernel)) {
    process.stderr.write(USAGE)
    return 64
  }
  const flavour = values.managers ? 'managers' : 'plain'
  const started = performance.now()
  const took = () => `${((performance.now() - started) / 1000).toFixed(1)} s`
  if (command === 'build') {
    await buildVm(kernel, flavour)
    process.stdout.write(`${kernel} is ready after ${took()}\n`)
    return 0
  }
  await using vm = await startVm({
    kernel,
    flavour,
    user: values.user === 'root' ? 'root' : 'ops',
    cold: values.cold ?? false,
  })
  const { vars } = vm.host
  const options = `-o UserKnownHostsFile=${vm.knownHostsFile} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes`
  const login = `-i ${vars.ansible_ssh_private_key_file} -p ${vars.ansible_port} ${vars.ansible_user}@${vars.ansible_host}`
  process.stdout.write(`${vm.name} is up after ${took()}\nssh -F none ${options} ${login}\n`)
  if (values.full) process.stdout.write(`${JSON.stringify(await fillTable(vm))}\n`)
  await new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof LabUnavailable ? error.message : String(error)}\n`)
  process.exitCode = 1
}
