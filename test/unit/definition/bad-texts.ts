/** Texts that are not what they should be, with every problem that is reported. */
import type { BadDefinition } from './bad-definition.js';

export const badTexts: readonly BadDefinition[] = [
  {
    title: 'bad names',
    text: `name = "My Shop"
node = "Node_1"
[[components]]
name = ""
image = "a"
[[components]]
name = "1st"
image = "a"
[[components]]
name = "../../etc"
image = "a"
[[components]]
name = "a--b"
image = "a"
[[components]]
name = "web-"
image = "a"
[[components]]
name = "abcdefghijklmnopqrstuvwxyzabcdef"
image = "a"
`,
    problems: [
      '1:8 name | "My Shop" is no name: it holds " " | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters; for example "my-shop"',
      '2:8 node | "Node_1" is no name of a node | lower-case letters, digits and single dashes, at most 63; "local" is this one',
      '4:8 components[0].name | "" is no name: it is empty | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters',
      '7:8 components[1].name | "1st" is no name: it begins with a digit | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters; for example "st"',
      '10:8 components[2].name | "../../etc" is no name: it holds "." | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters; for example "etc"',
      '13:8 components[3].name | "a--b" is no name: it has two dashes in a row | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters; for example "a-b"',
      '16:8 components[4].name | "web-" is no name: it begins or ends with a dash | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters; for example "web"',
      '19:8 components[5].name | "abcdefghijklmnopqrstuvwxyzabcdef" is no name: it has 32 characters | lower-case letters, digits and single dashes, beginning with a letter, at most 31 characters; for example "abcdefghijklmnopqrstuvwxyzabcde"',
    ],
  },
  {
    title: 'bad images',
    text: `name = "shop"
[[components]]
name = "c0"
image = ""
[[components]]
name = "c1"
image = "Shop/Web"
[[components]]
name = "c2"
image = "https://docker.io/redis"
[[components]]
name = "c3"
image = "redis:"
[[components]]
name = "c4"
image = "redis:a b"
[[components]]
name = "c5"
image = "a//b"
[[components]]
name = "c6"
image = "a@sha256:12"
[[components]]
name = "c7"
image = "host:99999/a"
[[components]]
name = "c8"
image = "-a/b"
[[components]]
name = "c9"
image = "localhost/"
[[components]]
name = "c10"
image = "redis:-1"
[[components]]
name = "c11"
image = "a.b_/c"
`,
    problems: [
      '4:9 components[0].image | the image reference is empty | write it as host/path:tag, for example "localhost/shop-web:1.4"',
      '7:9 components[1].image | "Shop/Web" has upper-case letters in "Web" | write it in lower case: "shop/web"',
      '10:9 components[2].image | "https://docker.io/redis" begins with https:// | leave it out: "docker.io/redis"',
      '13:9 components[3].image | "redis:" ends with a colon but names no tag | name a tag, or leave out the colon',
      '16:9 components[4].image | "redis:a b" has a blank in it, which no image reference can | write it as host/path:tag, for example "localhost/shop-web:1.4"',
      '19:9 components[5].image | "a//b" has an empty part between slashes | write it as host/path:tag, for example "localhost/shop-web:1.4"',
      '22:9 components[6].image | "a@sha256:12" has the digest "sha256:12" | a digest is sha256: and 64 hexadecimal digits',
      '25:9 components[7].image | "host:99999/a" has the port "99999" | a port is a number from 1 to 65535',
      '28:9 components[8].image | "-a/b" has the part "-a", which is not a name | a part has lower-case letters and digits, with single dots, dashes or underscores between them',
      '31:9 components[9].image | "localhost/" has no name after the host | write it as host/path:tag, for example "localhost/shop-web:1.4"',
      '34:9 components[10].image | "redis:-1" has the tag "-1" | a tag has at most 128 letters, digits, dots, dashes and underscores, and begins with none of dot and dash',
      '37:9 components[11].image | "a.b_/c" has the host "a.b_", which is not a host name | write it as host/path:tag, for example "localhost/shop-web:1.4"',
    ],
  },
  {
    title: 'neither image nor build',
    text: `name = "shop"
[[components]]
name = "web"
`,
    problems: [
      '2:3 components[0] | the component has neither image nor build | name an image, for example image = "localhost/shop-web:1.4", or build one: build = { context = "." }',
    ],
  },
  {
    title: 'a build that leaves its context',
    text: `name = "shop"
[[components]]
name = "web"
build = { context = "~/src", file = "../Containerfile", args = { "A B" = "x" } }
[[components]]
name = "db"
build = { file = "/etc/passwd" }
`,
    problems: [
      '4:21 components[0].build.context | "~/src" begins with "~", which is not expanded | write the whole path, or one relative to this file',
      '4:37 components[0].build.file | "../Containerfile" is not inside the build context | name a file below the context, for example "Containerfile"',
      '4:66 components[0].build.args."A B" | "A B" is no name of a variable | letters, digits, underscores, dots and dashes, beginning with a letter or underscore, for example LOG_LEVEL',
      '7:1 components[1].build.context | components[1].build has no context | a folder, for example build = { context = "." }',
      '7:18 components[1].build.file | "/etc/passwd" is not inside the build context | name a file below the context, for example "Containerfile"',
    ],
  },
  {
    title: 'bad ports',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
ports = [
  "80",
  "0:80",
  "80:65536",
  "8000-8010:80",
  "80:80/sctp",
  "300.1.1.1:80:80",
  "[::g]:80:80",
  "[::1::]:81:80",
  "web:80",
  80,
]
`,
    problems: [
      '6:3 components[0].ports[0] | "80" is no port mapping: it names one port only | name the port of the host and that inside: "80:80"',
      '7:3 components[0].ports[1] | "0:80" is no port mapping: the port 0 is out of range | a port is a number from 1 to 65535',
      '8:3 components[0].ports[2] | "80:65536" is no port mapping: the port 65536 is out of range | a port is a number from 1 to 65535',
      '9:3 components[0].ports[3] | "8000-8010:80" is no port mapping: it names a range | write one entry a port',
      '10:3 components[0].ports[4] | "80:80/sctp" is no port mapping: "sctp" is no protocol | end it with /tcp or /udp, or with nothing for TCP',
      '11:3 components[0].ports[5] | "300.1.1.1:80:80" is no port mapping: it is not of that form | write host-port:port, or address:host-port:port, for example "127.0.0.1:8080:80"; add /udp for UDP',
      '12:3 components[0].ports[6] | "[::g]:80:80" is no port mapping: it is not of that form | write host-port:port, or address:host-port:port, for example "127.0.0.1:8080:80"; add /udp for UDP',
      '13:3 components[0].ports[7] | "[::1::]:81:80" is no port mapping: "::1::" is no IP address | write host-port:port, or address:host-port:port, for example "127.0.0.1:8080:80"; add /udp for UDP',
      '14:3 components[0].ports[8] | "web:80" is no port mapping: it is not of that form | write host-port:port, or address:host-port:port, for example "127.0.0.1:8080:80"; add /udp for UDP',
      '15:3 components[0].ports[9] | ports[9] is the number 80 | write it in quotes: "80"',
    ],
  },
  {
    title: 'one host port for two',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
ports = ["127.0.0.1:8080:80", "8080:81/udp"]
[[components]]
name = "db"
image = "a"
ports = ["0.0.0.0:8080:80", "9090:1", "9090:2"]
`,
    problems: [
      '9:10 components[1].ports[0] | shop/db publishes host port 8080/tcp, which shop/web publishes already ("127.0.0.1:8080:80") | give one of them another host port',
      '9:39 components[1].ports[2] | shop/db publishes host port 9090/tcp twice | give one of them another host port',
    ],
  },
  {
    title: 'bad volumes',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
volumes = [
  "data",
  "../data:/data",
  "./data:/data",
  "sub/data:/data",
  "~/data:/data",
  "Data:/data",
  "/srv/../etc:/data",
  "/srv//x:/data",
  "data:data",
  "data:/",
  "data:/a/../b",
  "data:/data:rx",
  "a:/b:ro:z",
  ":/data",
]
`,
    problems: [
      '6:3 components[0].volumes[0] | "data" is no volume: it does not say where to mount it | write name:/path for a named volume or /host/path:/path for a folder of the host; add :ro for read only',
      '7:3 components[0].volumes[1] | "../data:/data" is no volume: "../data" climbs with "." or ".." | write the whole path of the host, from its first slash, without "." and ".." in it',
      '8:3 components[0].volumes[2] | "./data:/data" is no volume: "./data" climbs with "." or ".." | write the whole path of the host, from its first slash, without "." and ".." in it',
      '9:3 components[0].volumes[3] | "sub/data:/data" is no volume: "sub/data" is a relative path | write the whole path of the host, from its first slash',
      '10:3 components[0].volumes[4] | "~/data:/data" is no volume: "~" is not expanded | write the whole path of the host, from its first slash',
      '11:3 components[0].volumes[5] | "Data:/data" is no volume: "Data" is no name of a volume | a volume is named in lower-case letters, digits and single dashes, beginning with a letter, at most 63 characters',
      '12:3 components[0].volumes[6] | "/srv/../etc:/data" is no volume: "/srv/../etc" climbs with "." or ".." | write the whole path of the host, from its first slash, without "." and ".." in it',
      '13:3 components[0].volumes[7] | "/srv//x:/data" is no volume: a path has an empty part between slashes | write single slashes between the parts, and none at the end',
      '14:3 components[0].volumes[8] | "data:data" is no volume: the path inside, "data", is not absolute | for example "data:/data"',
      '15:3 components[0].volumes[9] | "data:/" is no volume: it would hide the whole file system of the image | mount it at a path below /',
      '16:3 components[0].volumes[10] | "data:/a/../b" is no volume: the path inside, "/a/../b", holds "." or ".." | write it without "." and ".."',
      '17:3 components[0].volumes[11] | "data:/data:rx" is no volume: "rx" is no option | the options are ro, rw and, for a named volume, size_mb=N, with commas between, for example :ro,size_mb=512',
      '18:3 components[0].volumes[12] | "a:/b:ro:z" is no volume: it has too many colons | write name:/path for a named volume or /host/path:/path for a folder of the host; add :ro for read only',
      '19:3 components[0].volumes[13] | ":/data" is no volume: it names neither a volume nor a host path | write name:/path for a named volume or /host/path:/path for a folder of the host; add :ro for read only',
    ],
  },
  {
    title: 'bad options of volumes',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
volumes = ["a:/a:ro,rw", "b:/b:size_mb=7", "c:/c:size_mb=1G", "/d:/d:size_mb=64", "e:/e:rw,", "f:/f:ro,size_mb=64"]
`,
    problems: [
      '5:12 components[0].volumes[0] | "a:/a:ro,rw" is no volume: it has an option twice | the options are ro, rw and, for a named volume, size_mb=N, with commas between, for example :ro,size_mb=512',
      '5:26 components[0].volumes[1] | "b:/b:size_mb=7" is no volume: "7" is no size | a size is a whole number of mebibytes from 8 to 16777216',
      '5:44 components[0].volumes[2] | "c:/c:size_mb=1G" is no volume: "1G" is no size | a size is a whole number of mebibytes from 8 to 16777216',
      '5:63 components[0].volumes[3] | "/d:/d:size_mb=64" is no volume: a folder of the host has no size | leave size_mb out, or name a volume',
      '5:83 components[0].volumes[4] | "e:/e:rw," is no volume: "" is no option | the options are ro, rw and, for a named volume, size_mb=N, with commas between, for example :ro,size_mb=512',
    ],
  },
  {
    title: 'two volumes at one place',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
volumes = ["a:/data", "b:/data:ro"]
`,
    problems: [
      '5:23 components[0].volumes[1] | volumes[0] is mounted at "/data" already | give one of them another path inside',
    ],
  },
  {
    title: 'bad variables',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
[components.env]
"A=B" = "x"
1ST = "x"
LIST = ["x"]
DATE = 1979-05-27
NUL = "a\\u0000b"
BELL = "\\u0007"
NAN = nan
__proto__ = "x"
`,
    problems: [
      '6:1 components[0].env."A=B" | "A=B" is no name of a variable | letters, digits, underscores, dots and dashes, beginning with a letter or underscore, for example LOG_LEVEL',
      '7:1 components[0].env.1ST | "1ST" is no name of a variable | letters, digits, underscores, dots and dashes, beginning with a letter or underscore, for example LOG_LEVEL',
      '8:8 components[0].env.LIST | LIST is a list | a text, a number, true or false',
      '9:8 components[0].env.DATE | DATE is a date | write it in quotes',
      '10:7 components[0].env.NUL | "a\\u0000b" holds the control character U+0000 | leave it out; only tabs and line ends may stand in a text',
      '11:8 components[0].env.BELL | "\\u0007" holds the control character U+0007 | leave it out; only tabs and line ends may stand in a text',
      '12:7 components[0].env.NAN | NAN is the number NaN | write it in quotes: NAN = "NaN"',
      '13:1 components[0].env.__proto__ | __proto__ is a name that Berth refuses | choose another name',
    ],
  },
  {
    title: 'bad texts',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
user = "root:"
env_file = ["", "~/x.env", "a\\nb"]
secret_file = [1]
command = ["ok", "\\u001b[0m"]
[components.health]
http = "healthz"
port = 80
`,
    problems: [
      '5:8 components[0].user | "root:" is no user | a user, or user:group, as numbers or names of the image, for example "1000:1000"',
      '6:13 components[0].env_file[0] | the text is empty | write something, or leave the key out',
      '6:17 components[0].env_file[1] | "~/x.env" begins with "~", which is not expanded | write the whole path, or one relative to this file',
      '6:28 components[0].env_file[2] | "a\\nb" holds the control character U+000A | leave it out; no control character can stand here',
      '7:16 components[0].secret_file[0] | secret_file[0] is the number 1 | write it in quotes: "1"',
      '8:18 components[0].command[1] | "\\u001b[0m" holds the control character U+001B | leave it out; only tabs and line ends may stand in a text',
      '10:8 components[0].health.http | "healthz" is no path | a path that begins with a slash, for example "/healthz"',
    ],
  },
  {
    title: 'bad probes',
    text: `name = "shop"
[[components]]
name = "a"
image = "a"
[components.health]
interval_s = 5
[[components]]
name = "b"
image = "a"
[components.health]
http = "/"
tcp = true
port = 1
[[components]]
name = "c"
image = "a"
health = { tcp = true }
`,
    problems: [
      '5:13 components[0].health | health names none of http, tcp and log | choose one, for example http = "/healthz"',
      '12:1 components[1].health.tcp | health names http and tcp, but a component has one probe | choose one, for example http = "/healthz"',
      '17:10 components[2].health | health probes by tcp but has no port | name the port inside, for example port = 8080',
    ],
  },
  {
    title: 'a name twice',
    text: `name = "shop"
[[components]]
name = "web"
image = "a"
[[components]]
name = "web"
image = "b"
`,
    problems: ['6:8 components[1].name | "web" is already the name of components[0] | rename one of the two'],
  },
];
