import { vmContract } from './vm-contract.ts'

vmContract('6.12', 'main')
