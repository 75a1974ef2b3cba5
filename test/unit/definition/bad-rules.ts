/** Values that do not fit each other, and places in odd spellings, with every problem that is reported. */
import type { BadDefinition } from './bad-definition.js';

export const badRules: readonly BadDefinition[] = [
  {
    title: 'a fraction of a core for a VM',
    text: `name = "shop"
[[components]]
name = "web"
runtime = "microvm"
image = "a"
vcpus = 1.5
`,
    problems: [
      '6:9 components[0].vcpus | a microvm cannot have 1.5 cores | give it whole cores, for example vcpus = 2',
    ],
  },
  {
    title: 'what a virtual machine cannot do',
    text: `name = "shop"
[[components]]
name = "web"
runtime = "microvm"
image = "a"
memory_mb = 8
ports = ["[::1]:80:80", "[::]:81:81/udp"]
volumes = ["/srv/shop:/assets:ro", "data:/a", "data:/b"]
[[components]]
name = "db"
image = "a"
volumes = ["own:/own", "data:/data:size_mb=64"]
[[components]]
name = "uni"
runtime = "unikernel"
image = "a"
volumes = ["mine:/data"]
files = ["www", "/www/", "/a/../b"]
`,
    problems: [
      '6:13 components[0].memory_mb | a microvm cannot boot in 8 MB | give it at least 16; a small image boots with memory_mb = 96',
      '7:10 components[0].ports[0] | "[::1]:80:80" is an IPv6 address, and the network of a microvm forwards IPv4 only | use an IPv4 address, for example "127.0.0.1:80:80"',
      '7:25 components[0].ports[1] | "[::]:81:81/udp" is an IPv6 address, and the network of a microvm forwards IPv4 only | use an IPv4 address, for example "81:81/udp"',
      '8:12 components[0].volumes[0] | a microvm cannot mount "/srv/shop", a folder of the host | use a named volume, for example "data:/assets", or runtime = "container"',
      '8:47 components[0].volumes[2] | the volume "data" is volumes[1] already, and a microvm mounts a disk once | give this one another name',
      '12:24 components[1].volumes[1] | shop/db mounts the volume "data", which shop/web mounts already; a volume of a microvm is a disk, and a disk has one user | give it a volume of its own, or run both as containers',
      '17:12 components[2].volumes[0] | a unikernel cannot mount the volume "mine": Nanos reads disks of a file system of its own only | use runtime = "microvm" or "container" for a program that keeps data, or put the files into the image and name them in files',
      '18:10 components[2].files[0] | "www" is no path of the image | write the whole path inside the image, for example "/www"',
      '18:17 components[2].files[1] | "/www/" is no path of the image: it has ".", ".." or an empty part | write it without "." and "..", with single slashes, and none at the end',
      '18:26 components[2].files[2] | "/a/../b" is no path of the image: it has ".", ".." or an empty part | write it without "." and "..", with single slashes, and none at the end',
    ],
  },
  {
    title: 'disks as images',
    text: `name = "shop"
[[components]]
name = "a"
runtime = "unikernel"
image = "file:disk.img"
[[components]]
name = "b"
image = "file:/srv/disk.img"
[[components]]
name = "c"
runtime = "unikernel"
image = "file:/srv/disk.img"
build = { context = "." }
command = []
env = { A = "1" }
env_file = []
[[components]]
name = "d"
runtime = "unikernel"
image = "file:///srv/disk.img"
[[components]]
name = "good"
runtime = "unikernel"
image = "file:/srv/disk.img"
ports = ["80:80"]
memory_mb = 32
`,
    problems: [
      '5:9 components[0].image | "file:disk.img" names no disk image | write the whole path, without ".", ".." and blanks, for example "file:/srv/disk.img"',
      '8:9 components[1].image | a container cannot boot the disk image "file:/srv/disk.img" | set runtime = "unikernel", or name an OCI image',
      '13:9 components[2].build | a disk image is not built from a context | take out build, or the "file:" image',
      '14:11 components[2].command | "file:/srv/disk.img" is a ready disk, and command cannot be put into it | take command out, or name an OCI image, from which a disk with it is made',
      '15:7 components[2].env | "file:/srv/disk.img" is a ready disk, and env cannot be put into it | take env out, or name an OCI image, from which a disk with it is made',
      '20:9 components[3].image | "file:///srv/disk.img" names no disk image | write the whole path, without ".", ".." and blanks, for example "file:/srv/disk.img"',
    ],
  },
  {
    title: 'dependencies that are not there',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
depends_on = ["dbs", "queue", "db", "db"]
[[components]]
name = "db"
image = "a"
`,
    problems: [
      '5:15 components[0].depends_on[0] | shop/web depends on "dbs", and service "shop" has no such component | did you mean "db"?',
      '5:22 components[0].depends_on[1] | shop/web depends on "queue", and service "shop" has no such component | name one of: db',
      '5:37 components[0].depends_on[3] | "db" is named twice | name it once',
    ],
  },
  {
    title: 'a circle of dependencies',
    text: `name = "shop"
[[components]]
name = "a"
image = "a"
depends_on = ["b"]
[[components]]
name = "b"
image = "a"
depends_on = ["c"]
[[components]]
name = "c"
image = "a"
depends_on = ["a"]
[[components]]
name = "d"
image = "a"
depends_on = ["d"]
`,
    problems: [
      '13:15 components[2].depends_on[0] | the components depend on each other in a circle: c → a → b → c | remove one of these dependencies',
      '17:15 components[3].depends_on[0] | the components depend on each other in a circle: d → d | remove one of these dependencies',
    ],
  },
  {
    title: 'places behind a byte order mark and CRLF',
    text: `\ufeffname = "shop"\r
# comment\r
[[components]]\r
name = "web"\r
image = """\r
A"""\r
`,
    problems: ['5:9 components[0].image | "A" has upper-case letters in "A" | write it in lower case: "a"'],
  },
  {
    title: 'dotted keys and inline tables',
    text: `name = "shop"
components = [
  { name = "web", image = "a", health.http = "/", health.prot = 80 },
  { name = "Db", "image" = "a" },
]
`,
    problems: [
      '3:32 components[0].health | health probes by http but has no port | name the port inside, for example port = 8080',
      '3:58 components[0].health.prot | components[0].health has no key prot | did you mean port?',
      '4:12 components[1].name | "Db" is no name: it has upper-case letters | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters; for example "db"',
    ],
  },
];
