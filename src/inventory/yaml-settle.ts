/** What a YAML document must not have: bombs, circles, keys that are there twice, keys that are no text. */
import * as YAML from 'yaml'
import { ConfigError, formatPlace } from '../errors.ts'
import { describe, nameOf, offsetOf, type PlaceAt } from '../lang/decode.ts'
import { Vaulted } from './vault.ts'

/** Nodes that aliases may stand for in one file: an inventory of 20,000 hosts merges some 100,000, a bomb billions. */
const MAX_ALIASED_NODES = 1_000_000
/** Deeper than any file a person writes; each level costs stack. */
const MAX_DEPTH = 100

/** How many nodes a node is and how many levels, those behind its aliases included. */
interface Extent {
  readonly size: number
  readonly height: number
}

/** Puts what aliases stand for in their places; refuses bombs, duplicate keys, and keys that are lists or mappings. */
export function settle(document: YAML.Document, placeAt: PlaceAt): void {
  const anchors = new Map<string, YAML.Node>()
  /** Of anchored nodes that are finished: one that is missing contains its own alias. */
  const extents = new Map<YAML.Node, Extent>()
  let aliased = 0

  function fail(message: string, node: unknown): never {
    throw new ConfigError(message, { place: placeAt(offsetOf(node) ?? 0) })
  }

  /** Settles the children of a node; `put` takes the node an alias stands for. */
  function visit(node: unknown, depth: number, put: (target: YAML.Node) => void): Extent {
    const extent = YAML.isAlias(node) ? follow(node, put) : visitChildren(node, depth)
    if (depth + extent.height > MAX_DEPTH) fail(`expected at most ${MAX_DEPTH} levels, got more`, node)
    return extent
  }

  function follow(alias: YAML.Alias, put: (target: YAML.Node) => void): Extent {
    // Not named: `*hunter2` may have been meant as a password.
    const target =
      anchors.get(alias.source) ??
      fail('expected an anchor of this name above, got none; put text with a * in quotes', alias)
    const extent = extents.get(target) ?? fail('expected a value, got one that contains itself', alias)
    aliased += extent.size
    if (aliased > MAX_ALIASED_NODES) fail(`expected at most ${MAX_ALIASED_NODES} values by alias, got more`, alias)
    put(target)
    return extent
  }

  function visitChildren(node: unknown, depth: number): Extent {
    let size = 1
    let height = 0
    const add = (child: Extent): void => {
      size += child.size
      height = Math.max(height, child.height + 1)
    }
    if (!YAML.isScalar(node) && !YAML.isCollection(node)) return { size, height }
    if (depth > MAX_DEPTH) fail(`expected at most ${MAX_DEPTH} levels, got more`, node)
    if (node.anchor !== undefined) anchors.set(node.anchor, node)
    if (YAML.isSeq(node)) {
      for (const [i, item] of node.items.entries()) {
        add(visit(item, depth + 1, target => node.items.splice(i, 1, target)))
      }
    } else if (YAML.isMap(node)) {
      refuseKeys(node)
      for (const pair of node.items) {
        add(visit(pair.value, depth + 1, target => Object.assign(pair, { value: target })))
        if (nameOf(pair.key) === undefined && !isMergeable(pair.value))
          fail('expected a mapping to merge, got something else', pair.key)
      }
    }
    if (node.anchor !== undefined) extents.set(node, { size, height })
    return { size, height }
  }

  function refuseKeys({ items }: YAML.YAMLMap): void {
    const seen = new Map<string, unknown>()
    for (const { key } of items) {
      const name = nameOf(key)
      if ((name === undefined && !YAML.isScalar(key)) || (YAML.isScalar(key) && key.value instanceof Vaulted)) {
        fail('expected text as a key, got a list, a mapping or an alias; does a {{ }} lack its quotes?', key)
      }
      const first = name === undefined ? undefined : seen.get(name)
      if (first !== undefined) {
        const place = formatPlace(placeAt(offsetOf(first) ?? 0))
        fail(`expected each key once, got ${describe(name)} again (first at ${place})`, key)
      }
      if (name !== undefined) seen.set(name, key)
    }
  }

  visit(document.contents, 0, () => {})
}

function isMergeable(value: unknown): boolean {
  return YAML.isMap(value) || (YAML.isSeq(value) && value.items.every(YAML.isMap))
}
