/**
 * A guest of one sector: says `hello from guest` on COM1 and `K` at the debug port, then echoes what COM1 gets. `Q`
 * powers off, `F` says `flood` and a second later prints 4,096 lines of forty characters; the power button powers off if `obeys`, else it is ignored.
 */
import { bootDisk } from '../../src/runtimes/qemu/machine/probe-guest.js';

const code =
  '31c08ed88ed0bc007cfabe887ce85800ba0105b04beeba0206b80001effbf4bafd03eca801740fbaf803ec3c5174173c4674' +
  '1ceeebe9803ef47d0074e1ba0006eda9000174d8ba0406b80020efebcfbe807ce81300b91200f4e2fdb90010be9b7ce80400' +
  'e2f8ebb7ac84c0741288c4bafd03eca82074fb88e0baf803eeebe9c3666c6f6f640d0a0068656c6c6f2066726f6d20677565' +
  '73740d0a0061206c696e65206f662074686520666c6f6f64207468617420697320666f7274792063686172730d0a';
const obeysAt = 500;

export function echoGuest(options: { readonly obeys: boolean }): Uint8Array {
  const disk = bootDisk(code);
  disk[obeysAt] = options.obeys ? 1 : 0;
  return disk;
}
