/** What goes through one sshd beside logins: commands over one connection (MaxSessions), and a proxy command's logins. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hostOf, never } from '../unit/transport/hosts.ts'
import { atOnce, connectTo, DROPPED, every } from './ssh/reach.ts'
import { startSshd } from './ssh/sshd.ts'

test.each([1, 10])('MaxSessions %i: ten commands over one connection all run, once', async most => {
  await using sshd = await startSshd({ config: [`MaxSessions ${most}`] })
  await using connection = await connectTo(sshd)(hostOf({ address: 'n1' }), never)
  const file = join(sshd.directory, 'ran')
  const said = await Promise.all(every(10).map(i => connection.exec(`echo ${i} >>${file}; sleep 0.05; echo ${i}`)))
  expect(said.map(({ stdout }) => stdout.trim())).toEqual(every(10))
  expect((await connection.exec(`wc -l <${file}`)).stdout.trim()).toBe('10')
})

test('behind a proxy command each host is a login at the proxy: no more at a time than it takes', async () => {
  await using gate = await startSshd({ config: ['MaxStartups 10:30:100'] })
  await using sshd = await startSshd({ config: ['MaxStartups 100'] })
  const known = join(gate.directory, 'known_hosts')
  writeFileSync(known, `${gate.knownHosts}\n`)
  const options = `-F none -i ${gate.keyFile} -o UserKnownHostsFile=${known} -o KexAlgorithms=curve25519-sha256`
  const through = `Host *\n ProxyCommand ssh ${options} -p ${gate.port} -W %h:%p root@127.0.0.1\n`
  expect(await atOnce(25, connectTo(sshd, through))).toEqual(every(25))
  expect(gate.logged(DROPPED)).toHaveLength(0)
})
