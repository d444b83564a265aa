/** Hosts that are ill in a known way, each by a small delta from a recorded one. */
import type { Case } from './hosts.ts'
import { OTHERWISE } from './sick-otherwise.ts'
import { PRESSED } from './sick-pressed.ts'

export const SICK: readonly Case[] = [...PRESSED, ...OTHERWISE]
