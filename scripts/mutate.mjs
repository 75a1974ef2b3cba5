/**
 * `npm run mutate [-- NAME …]`: takes one safeguard after the other out of the program and shows that the simulation
 * notices. Ends with 1 when one is not missed.
 */
import { mutants } from './lib/mutants.mjs';
import { Mutator } from './lib/mutation.mjs';
import { ride } from './lib/mutation-ride.mjs';

const [first, ...rest] = process.argv.slice(2);
if (first === '--ride') await ride(rest);
else {
  try {
    process.exitCode = await tryAll(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/** @param {readonly string[]} names @returns {Promise<number>} */
async function tryAll(names) {
  const unknown = names.filter((name) => !mutants.some((mutant) => mutant.name === name));
  if (unknown.length > 0) throw new Error(`there is no mutant ${unknown.join(', ')}`);
  const chosen = names.length === 0 ? mutants : mutants.filter(({ name }) => names.includes(name));
  const mutator = await Mutator.open();
  try {
    console.log('unchanged: everything must hold');
    const control = await mutator.rideUnchanged();
    if (control.failure !== null) throw new Error(`the program fails as it is: ${control.failure}`);
    console.log(`unchanged: all held (${control.seconds} s)`);
    let survivors = 0;
    for (const mutant of chosen) {
      const { failure, seconds } = await mutator.try(mutant);
      if (failure === null) survivors += 1;
      console.log(`${mutant.name}: without ${mutant.safeguard} (${mutant.file})`);
      console.log(`  ${failure === null ? 'SURVIVED' : `killed: ${failure}`} (${seconds} s)`);
    }
    console.log(`${chosen.length} safeguards taken out one at a time, ${chosen.length - survivors} missed`);
    return survivors === 0 ? 0 : 1;
  } finally {
    await mutator.close();
  }
}
