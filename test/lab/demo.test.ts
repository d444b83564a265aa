/** `npm run demo`, as the README has it: the main job on a real kernel, from boot to proof. */
import { spawn } from 'node:child_process'
import { expect } from 'vitest'
import { labSuite } from './suite.ts'
import { buildVm } from './vm.ts'

/** Only to know whether a machine can be had here; the demo starts its own. */
async function ready() {
  await buildVm('6.1')
  return {
    name: 'demo',
    powers: new Set<never>(),
    hosts: () => [],
    inspect: () => Promise.reject(new Error('the demo has its own machine')),
    sever: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

labSuite('npm run demo', ready, ({ it }) => {
  it('boots, fills, shows, cures, proves, finds nothing left to do, and ends with exit 0', async () => {
    const child = spawn('npm', ['run', '--silent', 'demo'], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
      })
    }
    const code = await new Promise(resolve => child.once('close', resolve))
    expect(code, output).toBe(0)
    expect(output).toMatch(/table full, dropping packet/)
    expect(output).toMatch(/vm-6\.1 {2}changed/)
    expect(output).toMatch(/nothing to do/)
    expect(output).toMatch(/packets dropped in 10 s\s+[1-9]\d*\s+0\n/)
    process.stdout.write(output.split('\n').slice(-12).join('\n'))
  }, 600_000)
})
