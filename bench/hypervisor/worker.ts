/**
 * One measurement in a process of its own, bundled as the product is: under tsx, each function that is made gets a name at run
 * time, which costs more than a VM exit. Prints the figures as JSON.
 */
import { hypervisorMeasurements } from './measurements';

const [name, rounds, runs] = process.argv.slice(2);
const measurement = hypervisorMeasurements.find((one) => one.name === name);
if (!measurement) throw new Error(`"${name}" is not a measurement.`);
/** A tenth of the work goes first, so that V8 has compiled what runs. */
measurement.measure(Math.ceil(Number(rounds) / 10));
const values = Array.from({ length: Number(runs) }, () => measurement.measure(Number(rounds)));
console.log(JSON.stringify(values));
