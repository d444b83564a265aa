/** Reads our own pages strictly: every element is closed where it must be, and every attribute has quotes. */

import { readFrom } from './sticky.ts'

export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (Element | string)[]
}

/** Elements of HTML that have no end. */
const VOID = ['meta']
const LETTERS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

function decode(text: string): string {
  return text.replace(/&(#?\w*;?)/g, (_, name: string) => {
    const letter = name.endsWith(';') ? LETTERS[name.slice(0, -1)] : undefined
    if (letter === undefined) throw new Error(`a bare &${name}`)
    return letter
  })
}

/** Throws for what a browser would have to mend. */
export function parsePage(page: string): Element {
  const start = '<!DOCTYPE html>\n'
  if (!page.startsWith(start)) throw new Error('no type of document')
  const read = readFrom(page, start.length)
  const rest = read.take
  const stack: { name: string; attributes: Record<string, string>; children: (Element | string)[] }[] = []
  const root: (Element | string)[] = []
  const here = (): (Element | string)[] => stack.at(-1)?.children ?? root
  while (read.at < page.length) {
    const end = rest(/<\/([a-z0-9]+)>/)
    if (end) {
      const open = stack.pop()
      if (open === undefined || open.name !== end[1])
        throw new Error(`</${end[1]}> ends <${open?.name ?? 'nothing'}> before ${read.at}`)
      here().push(open)
      continue
    }
    const begin = rest(/<([a-z][a-z0-9]*)/)
    if (begin) {
      const element = { name: begin[1] ?? '', attributes: attributesBy(rest), children: [] }
      if (rest(/\/>/) || (rest(/>/) && VOID.includes(element.name))) here().push(element)
      else if (page[read.at - 1] === '>') stack.push(element)
      else throw new Error(`a bad tag: ${page.slice(read.at - 40, read.at + 20)}`)
      if (element.name === 'style') element.children = [rest(/[^<]*/)?.[0] ?? ''] as never[]
      continue
    }
    const text = rest(/[^<]+/)
    if (!text) throw new Error(`a bare <: ${page.slice(read.at, read.at + 40)}`)
    here().push(decode(text[0]))
  }
  if (stack.length > 0) throw new Error(`<${stack.at(-1)?.name}> has no end`)
  const html = root.find(node => typeof node !== 'string')
  if (html === undefined || typeof html === 'string' || html.name !== 'html') throw new Error('no <html>')
  return html
}

function attributesBy(rest: (pattern: RegExp) => RegExpExecArray | null): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (let found = rest(/\s+([a-zA-Z][a-zA-Z0-9-]*)="([^"<]*)"/); found; ) {
    const name = found[1] ?? ''
    if (name in attributes) throw new Error(`${name} twice`)
    attributes[name] = decode(found[2] ?? '')
    found = rest(/\s+([a-zA-Z][a-zA-Z0-9-]*)="([^"<]*)"/)
  }
  return attributes
}

/** An element and all in it, in order. */
export function everyElement(element: Element): Element[] {
  return [element, ...element.children.flatMap(child => (typeof child === 'string' ? [] : everyElement(child)))]
}

/** All of its text, blanks as one. */
export function textIn(element: Element): string {
  const all = (one: Element | string): string => (typeof one === 'string' ? one : one.children.map(all).join(''))
  return all(element).replace(/\s+/g, ' ').trim()
}
