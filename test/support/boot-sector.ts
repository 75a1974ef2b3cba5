/**
 * A guest of one sector: says `hello from guest` on COM1 and `K` at the debug port, then echoes what COM1 gets. `Q`
 * powers off, `F` prints 4,096 lines of forty characters; the power button powers off if `obeys`, else it is ignored.
 */
import { bootDisk } from '../../src/runtimes/qemu/machine/probe-guest.js';

const code =
  '31c08ed88ed0bc007cfabe747ce84c00ba0105b04beeba0206b80001effbf4bafd03eca801740fbaf803ec3c5174173c4674' +
  '1ceeebe9803ef47d0074e1ba0006eda9000174d8ba0406b80020efebcfb90010be877ce80400e2f8ebc3ac84c0741288c4ba' +
  'fd03eca82074fb88e0baf803eeebe9c368656c6c6f2066726f6d2067756573740d0a0061206c696e65206f66207468652066' +
  '6c6f6f64207468617420697320666f7274792063686172730d0a';
const obeysAt = 500;

export function echoGuest(options: { readonly obeys: boolean }): Uint8Array {
  const disk = bootDisk(code);
  disk[obeysAt] = options.obeys ? 1 : 0;
  return disk;
}
