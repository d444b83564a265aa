import { Command } from 'commander'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { graphInventory, listInventory, showHost } from '../../../src/cli/inventory.ts'
import { type SharedOptions, withSharedOptions } from '../../../src/cli/options.ts'
import { ConfigError, NoMatchError } from '../../../src/errors.ts'
import { writeTree } from '../inventory/inventory.ts'

afterEach(() => vi.restoreAllMocks())

/** What the command prints under these flags. */
async function printed(command: (options: SharedOptions) => Promise<void>, ...words: string[]): Promise<string> {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await command(withSharedOptions(new Command('x')).parse(words, { from: 'user' }).opts<SharedOptions>())
  const text = written.mock.calls.map(([part]) => String(part)).join('')
  written.mockRestore()
  return text
}

const directory = writeTree({
  'hosts.ini': '[web]\na ansible_port=22 rack=r1\nb ansible_port=many\n\n[db]\nc\n\n[db:vars]\nctfix_stratgy=x\n',
  'host_vars/a.yml': 'ansible_become_password: hunter2\ntoken: hunter2\n',
  'host_vars/b.yml': 'x: [\n',
})
const from = ['-i', `${directory}/hosts.ini`]

describe('one host', () => {
  it('is shown whatever is wrong with another one', async () => {
    const text = (await printed(options => showHost('a', options), ...from)).replaceAll(`${directory}/`, '')
    expect(text.split('\n').map(line => line.split(/ {2,}/))).toEqual([
      ['host', 'a', '(hosts.ini:2)'],
      ['groups', 'all, web'],
      [''],
      ['VARIABLE', 'VALUE', 'FROM'],
      ['ansible_become_password', '***', 'host_vars/a.yml:1:26'],
      ['ansible_port', '22', 'hosts.ini:2'],
      [''],
      ['NOT READ BY CTFIX', 'FROM'],
      ['rack', 'hosts.ini:2'],
      ['token', 'host_vars/a.yml:2:8'],
      [''],
    ])
    const json = await printed(options => showHost('a', options), ...from, '--output', 'json')
    expect(JSON.parse(json)).toMatchObject({ name: 'a', port: 22, unread: [{ name: 'rack' }, { name: 'token' }] })
    expect(text + json).not.toContain('hunter2')
  })

  it('is refused for what is wrong with itself, and its groups', async () => {
    await expect(printed(options => showHost('b', options), ...from)).rejects.toThrow(ConfigError)
    await expect(printed(options => showHost('c', options), ...from)).rejects.toThrow(/ctfix_stratgy/)
  })

  it('is one of those of --limit', async () => {
    await expect(printed(options => showHost('c', options), ...from, '-l', 'web')).rejects.toThrow(NoMatchError)
    await expect(printed(options => showHost('web', options), ...from)).rejects.toThrow(
      'no host is called "web"; it is a group',
    )
  })
})

describe('all hosts', () => {
  it('are listed only where nothing is wrong with any, and drawn in any case', async () => {
    await expect(printed(listInventory, ...from)).rejects.toThrow(ConfigError)
    expect(await printed(graphInventory, ...from, '-l', 'web')).toBe(
      '@all:\n  |--@ungrouped:\n  |--@web:\n  |  |--a\n  |  |--b\n  |--@db:\n',
    )
    await expect(printed(graphInventory, ...from, '--output', 'json')).rejects.toThrow(ConfigError)
  })

  it('are those of --limit', async () => {
    const document = JSON.parse(await printed(listInventory, ...from, '-l', 'a', '--output', 'json'))
    expect(document.hosts.map(({ name }: { name: string }) => name)).toEqual(['a'])
    for (const command of [listInventory, graphInventory]) {
      await expect(printed(command, ...from, '-l', 'nosuch')).rejects.toThrow(NoMatchError)
    }
  })
})
