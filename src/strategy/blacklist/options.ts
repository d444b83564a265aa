/** What blacklist is asked for, decoded. */
import { z } from 'zod'
import { networkText, parseAddress } from '../../firewall/address.ts'

const addresses = z
  .union([z.string(), z.array(z.string())])
  .transform((input, context): string[] => {
    const words = [input].flat().flatMap(word => word.split(',').map(part => part.trim()))
    const found = words.map(addressText)
    const wrong = words[found.indexOf(null)]
    if (wrong === undefined) return [...new Set(found.flatMap(text => text ?? []))].toSorted()
    context.addIssue({ code: 'custom', message: `expected addresses, got "${wrong}"`, input })
    return z.NEVER
  })
  .default([])

const range = z
  .string()
  .nullable()
  .transform((input, context): string | null => {
    if (input === null) return null
    const [, first, last] = /^(\d{1,5})[:-](\d{1,5})$/.exec(input.trim()) ?? []
    const [from, to] = [Number(first), Number(last)]
    if (first !== undefined && from >= 1 && from < to && to <= 65_535) return `${from}:${to}`
    context.addIssue({ code: 'custom', message: 'expected a range of ports such as 60000:60100', input })
    return z.NEVER
  })
  .default(null)

export const options = z
  .strictObject({
    when: z
      .enum(['auto', 'now', 'reboot'])
      .default('auto')
      .describe('take the modules out now, or at the next reboot; auto: now where nothing holds them'),
    stop_firewall: z.boolean().default(false).describe('stop the services that load such rules, now and at boot'),
    stateless: z
      .boolean()
      .default(false)
      .describe('rewrite rules about states, live and saved, so that they need none'),
    resolvers: addresses.describe('name servers whose answers are let in; left out: those of resolv.conf'),
    time_servers: addresses.describe('time servers whose answers are let in; left out: the configured ones'),
    passive_ftp: range.describe('ports of passive FTP to let in where RELATED did: "60000:60100"'),
  })
  .superRefine(({ stop_firewall, stateless }, context) => {
    if (!stop_firewall || !stateless) return
    context.addIssue({
      code: 'custom',
      message: 'expected stop_firewall or stateless: rules that stop are not rewritten',
    })
  })

export type Options = z.output<typeof options>

/** In the spelling of tools that list rules. */
function addressText(word: string): string | null {
  const address = parseAddress(word)
  return address && networkText({ family: address.family, from: address.value, to: address.value })
}
