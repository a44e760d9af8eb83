/** A domain with its files, and the processes that run in it one after the other. */
import type { World } from '../world/world.js';
import { DiskRequests } from './disk-requests.js';
import { EndpointFaults } from './endpoint-faults.js';
import { FileSystem } from './file-system.js';
import { Process } from './process.js';

export class Machine {
  readonly name: string;
  readonly world: World;
  readonly files = new FileSystem();
  readonly requests: DiskRequests;
  readonly endpoints: EndpointFaults;
  process: Process | undefined;
  #starts = 0;

  constructor(name: string, world: World) {
    this.name = name;
    this.world = world;
    this.requests = new DiskRequests(world);
    this.endpoints = new EndpointFaults(world);
  }

  start(): Process {
    this.#starts += 1;
    this.process = new Process(`${this.name}.${this.#starts}`, this);
    this.world.note(this.process.name, () => 'starts');
    return this.process;
  }

  get starts(): number {
    return this.#starts;
  }
}
